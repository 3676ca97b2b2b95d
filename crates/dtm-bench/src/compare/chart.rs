//! The picture of the throughput: bars with their figures, readable on white and on black.

use std::fmt::Write as _;

use super::results::{Line, Results};
use crate::load::Mode;

const WIDTH: f64 = 760.0;
/// Where bars begin: names stand left of it.
const LEFT: f64 = 90.0;
/// What figures need right of the longest bar.
const RIGHT: f64 = 190.0;
const BAR: f64 = 18.0;
const GAP: f64 = 4.0;
const COLOURS: [&str; 4] = ["#2f81f7", "#8b949e", "#bf8700", "#8250df"];
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#57606a}.h{font-weight:600}\
    @media(prefers-color-scheme:dark){text{fill:#9ea7b3}}";

/// Sagas with the most clients, one group of bars a store.
pub(crate) fn chart(results: &Results) -> String {
    let lines = shown(results);
    let longest = lines
        .iter()
        .flat_map(|line| line.servers.iter().map(super::results::ServerRuns::rate))
        .fold(1.0, f64::max);
    let mut body = String::new();
    let mut top = 20.0;
    for line in &lines {
        let (store, clients) = (line.case.store.name(), line.case.clients);
        let title = format!("{store}, {clients} clients: two-step HTTP sagas a second");
        writeln!(body, "<text class=\"h\" x=\"8\" y=\"{top}\">{}</text>", escaped(&title)).ok();
        top += 10.0;
        for (server, colour) in line.servers.iter().zip(COLOURS.iter().cycle()) {
            let rate = server.rate();
            let length = ((WIDTH - LEFT - RIGHT) * rate / longest).max(1.0);
            let ratio = line.ratio(server).map(|ratio| format!(", ours is {ratio:.1} times that"));
            let figure = format!("{rate:.0} tx/s{}", ratio.unwrap_or_default());
            let (middle, right) = (top + BAR - 5.0, LEFT + length + 6.0);
            let name = escaped(&server.name);
            writeln!(
                body,
                "<text x=\"8\" y=\"{middle}\">{name}</text><rect x=\"{LEFT}\" y=\"{top}\" width=\"{length:.1}\" \
                 height=\"{BAR}\" rx=\"2\" fill=\"{colour}\"/><text x=\"{right:.1}\" y=\"{middle}\">{}</text>",
                escaped(&figure)
            )
            .ok();
            top += BAR + GAP;
        }
        top += 24.0;
    }
    let height = top;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\"><title>Transactions a second, side by side</title><style>{STYLE}</style>\n\
         {body}</svg>\n"
    )
}

/// For each store the saga line with the most clients.
fn shown(results: &Results) -> Vec<&Line> {
    let mut shown: Vec<&Line> = Vec::new();
    // Sorted by store, mode and clients: a later line of the same store has more clients.
    for line in results.lines.iter().filter(|line| line.case.mode == Mode::Saga) {
        shown.retain(|earlier| earlier.case.store != line.case.store);
        shown.push(line);
    }
    shown
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::line;
    use super::*;

    fn example() -> String {
        let mut results = Results::default();
        results.put(line(1, &[("ours", &[7.0])]));
        results.put(line(100, &[("ours", &[9000.0]), ("a<b&\"c", &[1500.0])]));
        chart(&results)
    }

    /// Tags are closed in the order in which they were opened, and what is text is escaped.
    fn is_well_formed(svg: &str) -> bool {
        let mut open = Vec::new();
        let mut rest = svg;
        while let Some((text, after)) = rest.split_once('<') {
            let Some((tag, after)) = after.split_once('>') else { return false };
            let entities =
                text.split('&').skip(1).all(|it| it.split_once(';').is_some_and(|(it, _)| it.len() < 5));
            if !entities || text.contains('>') || tag.matches('"').count() % 2 == 1 {
                return false;
            }
            let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap_or("");
            if tag.starts_with('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if !tag.ends_with('/') {
                open.push(name);
            }
            rest = after;
        }
        open.is_empty() && rest.trim().is_empty()
    }

    #[test]
    fn the_picture_is_well_formed_whatever_a_server_is_called() {
        let svg = example();
        assert!(is_well_formed(&svg), "{svg}");
        assert!(!is_well_formed(&svg.replacen("</text>", "", 1)));
        assert!(!is_well_formed(&svg.replace("a&lt;b", "a<b")));
    }

    #[test]
    fn the_line_with_the_most_clients_is_shown_with_its_unit() {
        let svg = example();
        assert!(svg.contains("9000 tx/s") && svg.contains("ours is 6.0 times that"), "{svg}");
        assert!(!svg.contains(">7 tx/s"), "{svg}");
    }
}
