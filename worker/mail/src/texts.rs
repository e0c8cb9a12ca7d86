//! The texts of the mails: reads a language's files, the shop's over the built-in one, and knows the place of each text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::format::{self, Formats};

/// An error in a template file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TemplateError {
    pub file: String,
    pub line: Option<usize>,
    pub message: String,
}

/// A template file, built in or of the shop.
#[derive(Debug, Clone)]
pub struct TemplateFile {
    /// The file's path in error messages.
    pub(crate) path: Arc<str>,
    pub(crate) source: String,
}

impl TemplateFile {
    /// A file with the text `source`; error messages call it `path`.
    pub fn new(path: impl Into<Arc<str>>, source: impl Into<String>) -> Self {
        Self { path: path.into(), source: source.into() }
    }

    pub(crate) fn error(&self, line: usize, message: impl Into<String>) -> TemplateError {
        TemplateError { file: self.path.to_string(), line: Some(line), message: message.into() }
    }

    /// An error of the TOML parser, with its line.
    pub(crate) fn toml_error(&self, error: &toml::de::Error) -> TemplateError {
        let line = error.span().map(|span| line_at(&self.source, span.start));
        TemplateError { file: self.path.to_string(), line, message: error.message().to_owned() }
    }
}

/// The line, counted from 1, that holds the byte `at`.
pub(crate) fn line_at(source: &str, at: usize) -> usize {
    source.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// A text and the place of its first line.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) source: String,
    pub(crate) file: Arc<str>,
    pub(crate) line: usize,
}

/// Texts by their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts(pub(crate) BTreeMap<String, Text>);

impl Texts {
    /// The text without white space around it. Every language has every text, so only a name that no language has
    /// gives an empty text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.0.get(name).map(|text| text.source.trim().to_owned()).unwrap_or_default()
    }

    /// All texts without white space around them.
    pub(crate) fn by_name(&self) -> BTreeMap<&str, &str> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.source.trim())).collect()
    }
}

/// All texts of one language.
#[derive(Debug, Clone)]
pub(crate) struct Language {
    pub(crate) formats: Formats,
    /// Texts that name no values.
    pub(crate) labels: Texts,
    pub(crate) install: Texts,
    /// Texts that may name values: those of every mail.
    pub(crate) common: Texts,
    /// Texts that may name values: those of each kind of mail.
    pub(crate) kinds: BTreeMap<String, Texts>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageFile {
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
    /// Reads the files; a text in a later file replaces the one in an earlier file.
    pub(crate) fn read(files: &[TemplateFile]) -> Result<Self, TemplateError> {
        let mut formats = toml::Table::new();
        let (mut labels, mut install, mut common) = (Texts::default(), Texts::default(), Texts::default());
        let mut kinds: BTreeMap<String, Texts> = BTreeMap::new();
        for file in files {
            let read: LanguageFile = toml::from_str(&file.source).map_err(|error| file.toml_error(&error))?;
            format::lay_over(&mut formats, read.formats);
            add(&mut labels, read.labels, file);
            add(&mut install, read.install, file);
            add(&mut common, read.common, file);
            for (kind, section) in read.kinds {
                add(kinds.entry(kind).or_default(), section, file);
            }
        }
        let formats = Formats::read(formats).map_err(|error| in_formats(files, &error))?;
        Ok(Self { formats, labels, install, common, kinds })
    }

    /// Compares the language with one that is complete: a text that only one of the two has is an error.
    pub(crate) fn check_against(&self, complete: &Self, file: &TemplateFile) -> Result<(), TemplateError> {
        compare("labels", &self.labels, &complete.labels, file)?;
        compare("install", &self.install, &complete.install, file)?;
        compare("common", &self.common, &complete.common, file)?;
        let none = Texts::default();
        for (kind, texts) in &self.kinds {
            compare(&format!("kinds.{kind}"), texts, complete.kinds.get(kind).unwrap_or(&none), file)?;
        }
        for (kind, texts) in &complete.kinds {
            compare(&format!("kinds.{kind}"), self.kinds.get(kind).unwrap_or(&none), texts, file)?;
        }
        Ok(())
    }
}

fn add(texts: &mut Texts, section: Section, file: &TemplateFile) {
    for (name, text) in section {
        let start = text.span().start;
        // The text of a multi-line string begins after the line of its quotes.
        let after = file.source.get(start..).unwrap_or_default();
        let below = ["\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"].iter().any(|quotes| after.starts_with(quotes));
        let line = line_at(&file.source, start) + usize::from(below);
        texts.0.insert(name, Text { source: text.into_inner(), file: Arc::clone(&file.path), line });
    }
}

fn in_formats(files: &[TemplateFile], error: &toml::de::Error) -> TemplateError {
    let with = |file: &&TemplateFile| file.source.contains("[formats");
    let message = format!("in [formats]: {}", error.message());
    match files.iter().rev().find(with).or(files.last()) {
        Some(file) => file.error(line_at(&file.source, file.source.find("[formats").unwrap_or_default()), message),
        None => TemplateError { file: String::new(), line: None, message },
    }
}

fn compare(section: &str, texts: &Texts, complete: &Texts, file: &TemplateFile) -> Result<(), TemplateError> {
    if let Some((name, text)) = texts.0.iter().find(|(name, _)| !complete.0.contains_key(*name)) {
        let message = format!("no such text: {section}.{name}");
        return Err(TemplateError { file: text.file.to_string(), line: Some(text.line), message });
    }
    match complete.0.keys().find(|name| !texts.0.contains_key(*name)) {
        Some(name) => Err(file.error(1, format!("the text {section}.{name} is missing"))),
        None => Ok(()),
    }
}
