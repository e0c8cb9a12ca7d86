//! The words of the mails: reads a language's files, a shop's over ours, and knows where each text stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::format::{self, Formats};
use super::templates::TemplateError;

/// The languages that we bring, the first of them for everybody else.
pub(super) const BUILT_IN: [(&str, &str); 4] = [
    ("en", include_str!("../../templates/en.toml")),
    ("es", include_str!("../../templates/es.toml")),
    ("de", include_str!("../../templates/de.toml")),
    ("ja", include_str!("../../templates/ja.toml")),
];

/// A file of templates, ours or a shop's.
#[derive(Debug, Clone)]
pub(super) struct TextFile {
    /// As errors name it.
    pub(super) name: Arc<str>,
    pub(super) source: String,
}

impl TextFile {
    pub(super) fn error(&self, line: usize, message: impl Into<String>) -> TemplateError {
        TemplateError { file: self.name.to_string(), line: Some(line), message: message.into() }
    }

    /// What the parser of TOML says.
    pub(super) fn wrong(&self, error: &toml::de::Error) -> TemplateError {
        let line = error.span().map(|span| line_at(&self.source, span.start));
        TemplateError { file: self.name.to_string(), line, message: error.message().to_owned() }
    }
}

/// The line, counted from 1, that holds the byte `at`.
pub(super) fn line_at(source: &str, at: usize) -> usize {
    source.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// A text and where its first line stands.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) source: String,
    pub(super) file: Arc<str>,
    pub(super) line: usize,
}

/// Texts by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(pub(super) BTreeMap<String, Text>);

impl Words {
    /// The text as it stands; every language has every text, so a missing one is a name that nobody has.
    pub(super) fn say(&self, name: &str) -> String {
        self.0.get(name).map(|text| text.source.trim().to_owned()).unwrap_or_default()
    }

    pub(super) fn spoken(&self) -> BTreeMap<&str, &str> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.source.trim())).collect()
    }
}

/// All words of one language.
#[derive(Debug, Clone)]
pub(super) struct Language {
    pub(super) formats: Formats,
    /// Words that are put in as they stand.
    pub(super) labels: Words,
    pub(super) install: Words,
    /// Texts that may name values: those of every mail, under `common`, and those of each kind.
    pub(super) common: Words,
    pub(super) kinds: BTreeMap<String, Words>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    formats: toml::Table,
    #[serde(default)]
    labels: Section,
    #[serde(default)]
    install: Section,
    #[serde(default)]
    common: Section,
    #[serde(default)]
    kinds: BTreeMap<String, Section>,
}

type Section = BTreeMap<String, Spanned<String>>;

impl Language {
    /// Reads the files, a later one over those before it.
    pub(super) fn read(files: &[TextFile]) -> Result<Self, TemplateError> {
        let mut formats = toml::Table::new();
        let (mut labels, mut install, mut common) = (Words::default(), Words::default(), Words::default());
        let mut kinds: BTreeMap<String, Words> = BTreeMap::new();
        for file in files {
            let said: Said = toml::from_str(&file.source).map_err(|error| file.wrong(&error))?;
            format::lay_over(&mut formats, said.formats);
            add(&mut labels, said.labels, file);
            add(&mut install, said.install, file);
            add(&mut common, said.common, file);
            for (kind, section) in said.kinds {
                add(kinds.entry(kind).or_default(), section, file);
            }
        }
        let formats = Formats::read(formats).map_err(|error| in_formats(files, &error))?;
        Ok(Self { formats, labels, install, common, kinds })
    }

    /// Holds the language against one that is whole: what is missing is an error, and what that one doesn't have, too.
    pub(super) fn check_against(&self, whole: &Self, file: &TextFile) -> Result<(), TemplateError> {
        compare("labels", &self.labels, &whole.labels, file)?;
        compare("install", &self.install, &whole.install, file)?;
        compare("common", &self.common, &whole.common, file)?;
        let none = Words::default();
        for (kind, words) in &self.kinds {
            compare(&format!("kinds.{kind}"), words, whole.kinds.get(kind).unwrap_or(&none), file)?;
        }
        for (kind, words) in &whole.kinds {
            compare(&format!("kinds.{kind}"), self.kinds.get(kind).unwrap_or(&none), words, file)?;
        }
        Ok(())
    }
}

fn add(words: &mut Words, section: Section, file: &TextFile) {
    for (name, text) in section {
        let start = text.span().start;
        // The text of a multi-line string begins after the line of its quotes.
        let after = file.source.get(start..).unwrap_or_default();
        let below = ["\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"].iter().any(|quotes| after.starts_with(quotes));
        let line = line_at(&file.source, start) + usize::from(below);
        words.0.insert(name, Text { source: text.into_inner(), file: Arc::clone(&file.name), line });
    }
}

fn in_formats(files: &[TextFile], error: &toml::de::Error) -> TemplateError {
    let with = |file: &&TextFile| file.source.contains("[formats");
    let message = format!("in [formats]: {}", error.message());
    match files.iter().rev().find(with).or(files.last()) {
        Some(file) => file.error(line_at(&file.source, file.source.find("[formats").unwrap_or_default()), message),
        None => TemplateError { file: String::new(), line: None, message },
    }
}

fn compare(section: &str, words: &Words, whole: &Words, file: &TextFile) -> Result<(), TemplateError> {
    if let Some((name, text)) = words.0.iter().find(|(name, _)| !whole.0.contains_key(*name)) {
        let message = format!("no such text: {section}.{name}");
        return Err(TemplateError { file: text.file.to_string(), line: Some(text.line), message });
    }
    match whole.0.keys().find(|name| !words.0.contains_key(*name)) {
        Some(name) => Err(file.error(1, format!("the text {section}.{name} is missing"))),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(super) fn built_in_formats(language: &str) -> Formats {
    let (name, source) = BUILT_IN.into_iter().find(|(tag, _)| *tag == language).unwrap();
    Language::read(&[TextFile { name: name.into(), source: source.to_owned() }]).unwrap().formats
}
