//! Decision 1: the same request again is never taken for another one, and another one never for the same.

use super::{Answer, Ask, Event, Observed, Violation};

pub(super) fn check(observed: &Observed<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (gid, events) in observed.transactions() {
        for event in events {
            match event {
                Event::Answered { ask: Ask::SubmitOther, answer, .. } if answer.is_acknowledged() => {
                    let what = "other content under the same gid was acknowledged";
                    violations.push(Violation::new("repeats", gid, what));
                }
                Event::Answered { ask, answer: Answer::Refused(text), .. }
                    if *ask != Ask::SubmitOther && text.contains("other content") =>
                {
                    let what = format!("{ask} was repeated with the same content, and refused: {text}");
                    violations.push(Violation::new("repeats", gid, what));
                }
                _ => {}
            }
        }
    }
    violations
}
