//! A file as a list of settings with their lines.
//!
//! The parser's events are walked directly rather than through a tree of values: that keeps the lines, sees
//! keys that are set twice, leaves every value as the text that was written (`+8`, `'5432'`), and never expands
//! an alias.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::error::Problem;
use super::{Setting, settings, suggest};

/// A value that stands in the file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
}

/// What stands in the file, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
}

/// Reads the text of a file. `file` is its name for messages.
pub(super) fn read(file: &str, text: &str) -> Content {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        file,
        events: Parser::new_from_str(text),
        seen: BTreeMap::new(),
        content: Content::default(),
    };
    if let Err(problem) = reader.stream() {
        reader.content.problems.push(problem);
    }
    reader.content
}

struct Reader<'text> {
    file: &'text str,
    events: Parser<'text, StrInput<'text>>,
    seen: BTreeMap<String, usize>,
    content: Content,
}

impl<'text> Reader<'text> {
    fn stream(&mut self) -> Result<(), Problem> {
        self.next()?;
        if matches!(self.next()?.0, Event::StreamEnd) {
            return Ok(());
        }
        match self.next()? {
            (Event::MappingStart(..), _) => self.mapping("")?,
            (Event::Scalar(text, style, ..), _) if is_null(&text, style) => {}
            (_, line) => return Err(self.shape(line, "the file must be a mapping of settings".to_owned())),
        }
        self.next()?;
        match self.next()? {
            (Event::StreamEnd, _) => Ok(()),
            (_, line) => {
                Err(self.shape(line, "a second document starts here: only one is allowed".to_owned()))
            }
        }
    }

    fn mapping(&mut self, section: &str) -> Result<(), Problem> {
        loop {
            match self.next()? {
                (Event::MappingEnd, _) => return Ok(()),
                (Event::Scalar(key, ..), line) => {
                    let path = if section.is_empty() { key.into_owned() } else { format!("{section}.{key}") };
                    self.pair(path, line)?;
                }
                (event, line) => {
                    let problem = self.shape(line, "a key must be one word".to_owned());
                    self.content.problems.push(problem);
                    self.skip(&event)?;
                    let (value, _) = self.next()?;
                    self.skip(&value)?;
                }
            }
        }
    }

    fn pair(&mut self, path: String, line: usize) -> Result<(), Problem> {
        let (value, value_line) = self.next()?;
        if let Some(&first) = self.seen.get(&path) {
            self.content.problems.push(Problem::Twice { file: self.file.to_owned(), line, path, first });
            return self.skip(&value);
        }
        let setting = settings::all().find(|setting| setting.path == path);
        let is_section = settings::all().any(|setting| {
            setting.path.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.'))
        });
        self.seen.insert(path.clone(), line);
        match (value, setting, is_section) {
            (Event::MappingStart(..), _, true) => self.mapping(&path),
            (Event::Scalar(text, style, ..), Some(_), _) | (Event::Scalar(text, style, ..), _, true)
                if is_null(&text, style) =>
            {
                Ok(())
            }
            (Event::Scalar(text, ..), Some(setting), _) => {
                self.content.entries.push(Entry { setting, text: text.into_owned(), line: value_line });
                Ok(())
            }
            (value, Some(_), _) => self.refuse(line, format!("{path} must be one value"), &value),
            (value, None, true) => {
                self.refuse(line, format!("{path} must be a mapping of settings, indented below it"), &value)
            }
            (value, None, false) => {
                let nearest = suggest::nearest(&path);
                let file = self.file.to_owned();
                self.content.problems.push(Problem::UnknownKey { file, line, path, nearest });
                self.skip(&value)
            }
        }
    }

    fn refuse(&mut self, line: usize, what: String, value: &Event<'_>) -> Result<(), Problem> {
        let what = match value {
            Event::Alias(_) => format!("{what}; aliases are not supported"),
            Event::SequenceStart(..) => format!("{what}, not a list"),
            Event::MappingStart(..) => format!("{what}, not a mapping"),
            _ => what,
        };
        let problem = self.shape(line, what);
        self.content.problems.push(problem);
        self.skip(value)
    }

    /// Passes over the rest of the node that `first` starts.
    fn skip(&mut self, first: &Event<'_>) -> Result<(), Problem> {
        let mut depth = change(first);
        while depth > 0 {
            depth += change(&self.next()?.0);
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(Event<'text>, usize), Problem> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(Problem::Syntax {
                file: self.file.to_owned(),
                line: error.marker().line(),
                column: error.marker().col() + 1,
                detail: error.info().to_owned(),
            }),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn shape(&self, line: usize, what: String) -> Problem {
        Problem::Shape { file: self.file.to_owned(), line, what }
    }
}

const fn change(event: &Event<'_>) -> i32 {
    match event {
        Event::SequenceStart(..) | Event::MappingStart(..) => 1,
        Event::SequenceEnd | Event::MappingEnd => -1,
        _ => 0,
    }
}

fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
