//! The templates: ours, built into the program, and a shop's over them; loading checks them, rendering fills them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;
use shared::contact::Contact;

use super::check::check;
use super::frame::{self, Parts, Rendered};
use super::kinds::{self, Shape};
use super::qr::{self, QrError};
use super::texts::{BUILT_IN, Language, TextFile, Words};
use super::{Brand, Inline, Mail, install, vars};

/// The frames of every mail.
const FRAMES: [(&str, &str); 4] = [
    ("layout.html", include_str!("../../templates/layout.html")),
    ("layout.txt", include_str!("../../templates/layout.txt")),
    ("install.html", include_str!("../../templates/install.html")),
    ("install.txt", include_str!("../../templates/install.txt")),
];

const KINDS: &str = include_str!("../../templates/kinds.toml");

/// The language of everybody whose own we don't have.
const FALLBACK: &str = "en";

/// Characters of a subject that mail programs show.
const SUBJECT_MAX: usize = 70;

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TemplateError {
    pub file: String,
    pub line: Option<usize>,
    pub message: String,
}

/// Why there is no mail. It says nothing of what would have been in it.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("no mail is written for {0}")]
    UnknownKind(String),
    #[error("the payload has no activation code")]
    NoActivationCode,
    #[error("the activation code could not be drawn")]
    Qr(#[from] QrError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// All templates, compiled and checked.
#[derive(Debug)]
pub struct Templates {
    /// Plain texts: nothing is escaped, because they become part of a frame, which does it.
    pub(super) texts: Environment<'static>,
    /// The frames: what is put into HTML is escaped.
    pub(super) frames: Environment<'static>,
    pub(super) languages: BTreeMap<String, Language>,
    pub(super) kinds: BTreeMap<&'static str, Shape>,
    /// Where the templates of both environments stand: file, and the line of their first.
    pub(super) places: HashMap<String, (Arc<str>, usize)>,
}

impl Templates {
    /// Ours, and the files of the folder over them: of a `.toml` file only what it holds, of others the whole. Renders
    /// everything once, with all values and with as few as can be, so that what is broken is told now.
    pub fn load(overrides: Option<&Path>) -> Result<Self, TemplateError> {
        let mut files: BTreeMap<String, Vec<TextFile>> = BTreeMap::new();
        for (name, source) in built_in() {
            files.insert(name.clone(), vec![TextFile { name: name.into(), source: source.to_owned() }]);
        }
        for (name, file) in overrides.map(read_folder).transpose()?.unwrap_or_default() {
            let is_language = Path::new(&name).extension().is_some_and(|extension| extension == "toml");
            if !is_language && !files.contains_key(&name) {
                return Err(file.error(1, "no template has this name"));
            }
            files.entry(name).or_default().push(file);
        }
        let mut templates = Self {
            texts: environment(),
            frames: frames(),
            languages: BTreeMap::new(),
            kinds: kinds::read(files.remove(kinds::FILE).iter().flatten())?,
            places: HashMap::new(),
        };
        for (name, files) in files {
            match name.strip_suffix(".toml") {
                Some(tag) => templates.add_language(tag, &files)?,
                None => templates.add_frame(name, files)?,
            }
        }
        check(&templates)?;
        Ok(templates)
    }

    /// Writes the mail for a customer. `kind` is an action's kind by its name.
    pub fn render(&self, kind: &str, payload: &Value, contact: &Contact, brand: &Brand) -> Result<Mail, RenderError> {
        let (kind, shape) = self.kinds.get_key_value(kind).ok_or_else(|| RenderError::UnknownKind(kind.to_owned()))?;
        let (tag, region, language) = self.choose(contact.locale.as_deref());
        let format = language.formats.of(region.as_deref());
        let vars = vars::gather(payload, contact, brand, &language.labels, format);
        let install = if shape.install {
            let tips = frame::tips(language);
            Some(install::read(payload, &language.install, tips).ok_or(RenderError::NoActivationCode)?)
        } else {
            None
        };
        let inline = install.as_ref().map(|install| picture(&install.activation_code)).transpose()?;
        let percent = vars::used_percent(payload).filter(|_| shape.meter);
        let parts = Parts { kind, shape, vars: &vars, install, percent, brand };
        let Rendered { subject, text, html } = frame::render(self, tag, parts)?;
        let subject = cut(&subject, SUBJECT_MAX);
        Ok(Mail { subject, text, html, inline: inline.into_iter().collect(), locale: tag.to_owned() })
    }

    /// The languages by their tags.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.keys().map(String::as_str)
    }

    /// `de-AT`, then `de`, then English; and the region, for the forms of dates and amounts.
    fn choose(&self, locale: Option<&str>) -> (&str, Option<String>, &Language) {
        let locale = locale.unwrap_or_default().trim().replace('_', "-");
        let mut parts = locale.split('-');
        let language = parts.next().unwrap_or_default().to_lowercase();
        let is_region = |part: &&str| {
            let all = |is: fn(&u8) -> bool| part.as_bytes().iter().all(is);
            (part.len() == 2 && all(u8::is_ascii_alphabetic)) || (part.len() == 3 && all(u8::is_ascii_digit))
        };
        let region = parts.find(is_region).map(str::to_uppercase);
        let whole = region.as_ref().map(|region| format!("{language}-{region}")).unwrap_or_default();
        let known = [whole.as_str(), &language].into_iter().find_map(|tag| self.languages.get_key_value(tag));
        // English is built in, so it is always there.
        let (tag, found) = known.map_or_else(|| (FALLBACK, &self.languages[FALLBACK]), |(tag, found)| (tag, found));
        (tag, region, found)
    }

    fn add_frame(&mut self, name: String, files: Vec<TextFile>) -> Result<(), TemplateError> {
        // The last file is the shop's, if there is one.
        let Some(file) = files.into_iter().next_back() else { return Ok(()) };
        self.places.insert(name.clone(), (Arc::clone(&file.name), 1));
        let added = self.frames.add_template_owned(name, file.source);
        added.map_err(|error| self.locate(&error))
    }

    fn add_language(&mut self, tag: &str, files: &[TextFile]) -> Result<(), TemplateError> {
        let language = Language::read(files)?;
        self.add_texts(tag, "common", &language.common)?;
        for (kind, words) in &language.kinds {
            self.add_texts(tag, kind, words)?;
        }
        self.languages.insert(tag.to_owned(), language);
        Ok(())
    }

    fn add_texts(&mut self, tag: &str, section: &str, words: &Words) -> Result<(), TemplateError> {
        for (name, text) in &words.0 {
            let template = format!("{tag}/{section}.{name}");
            self.places.insert(template.clone(), (Arc::clone(&text.file), text.line));
            let added = self.texts.add_template_owned(template, text.source.clone());
            added.map_err(|error| self.locate(&error))?;
        }
        Ok(())
    }

    /// Turns an error into one that names the file as its author knows it. The innermost has the place: an outer one is
    /// only about the line that includes it.
    pub(super) fn locate(&self, error: &minijinja::Error) -> TemplateError {
        let mut innermost = error;
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<minijinja::Error>() {
                innermost = error;
            }
            source = error.source();
        }
        let place = innermost.name().and_then(|name| self.places.get(name));
        let line = place.zip(innermost.line()).map(|((_, first), line)| first + line - 1);
        let file = place.map_or_else(|| innermost.name().unwrap_or_default().to_owned(), |(file, _)| file.to_string());
        let detail = innermost.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        TemplateError { file, line, message: format!("{}{detail}", innermost.kind()) }
    }
}

fn built_in() -> impl Iterator<Item = (String, &'static str)> {
    let languages = BUILT_IN.into_iter().map(|(tag, source)| (format!("{tag}.toml"), source));
    let frames = FRAMES.into_iter().map(|(name, source)| (name.to_owned(), source));
    languages.chain(frames).chain([(kinds::FILE.to_owned(), KINDS)])
}

/// The shop's templates by their names. Other files in the folder are nobody's business.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, TextFile>, TemplateError> {
    let wrong = |path: &Path, error: std::io::Error| TemplateError {
        file: path.display().to_string(),
        line: None,
        message: error.to_string(),
    };
    let entries = fs::read_dir(folder).map_err(|error| wrong(folder, error))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths = paths.collect::<Result<Vec<PathBuf>, _>>().map_err(|error| wrong(folder, error))?;
    let is_template = |path: &PathBuf| {
        path.extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|it| ["toml", "html", "txt"].contains(&it))
    };
    let read = |path: PathBuf| {
        let source = fs::read_to_string(&path).map_err(|error| wrong(&path, error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, TextFile { name: path.display().to_string().into(), source }))
    };
    paths.into_iter().filter(is_template).map(read).collect()
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // A value that is not there is an error where it would leave a hole, and none where a text asks for it.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment
}

fn frames() -> Environment<'static> {
    let mut environment = environment();
    environment.set_auto_escape_callback(
        |name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        },
    );
    // A tag on a line of its own leaves no empty line.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.unwrap_or_default());
    environment
}

fn picture(activation_code: &str) -> Result<Inline, QrError> {
    let bytes = qr::png(activation_code)?;
    Ok(Inline { content_id: install::CONTENT_ID.to_owned(), media_type: "image/png", bytes })
}

fn cut(subject: &str, length: usize) -> String {
    if subject.chars().count() <= length {
        return subject.to_owned();
    }
    let kept: String = subject.chars().take(length - 1).collect();
    format!("{}…", kept.trim_end())
}
