//! All templates, ready to be filled: the texts of each language, the frames, and what each kind of mail shows. It knows
//! where each template stands, so that an error names file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use shared::action::ActionKind;

use crate::kinds::{self, KindLayout};
use crate::texts::{Language, TemplateError, TemplateFile, Texts};
use crate::vars::Vars;

/// The language of customers whose own language has no texts. It is built in.
pub(crate) const FALLBACK: &str = "en";

/// Template files by their names, each list in the order in which later files replace earlier ones.
pub(crate) type Files = BTreeMap<String, Vec<TemplateFile>>;

/// All templates.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// Plain texts. Nothing is escaped, because the frame that a text becomes part of escapes it.
    texts: Environment<'static>,
    /// The frames. Values in HTML are escaped.
    frames: Environment<'static>,
    languages: BTreeMap<String, Language>,
    kinds: BTreeMap<ActionKind, KindLayout>,
    /// For each template its file, and the line in it where the template begins.
    places: BTreeMap<String, (Arc<str>, usize)>,
}

impl Compiled {
    pub(crate) fn new(mut files: Files) -> Result<Self, TemplateError> {
        let mut compiled = Self {
            texts: environment(),
            frames: frame_environment(),
            languages: BTreeMap::new(),
            kinds: kinds::read(files.remove(kinds::FILE).iter().flatten())?,
            places: BTreeMap::new(),
        };
        for (name, files) in files {
            match name.strip_suffix(".toml") {
                Some(tag) => compiled.add_language(tag, &files)?,
                None => compiled.add_frame(name, files)?,
            }
        }
        Ok(compiled)
    }

    /// The languages by their tags.
    pub(crate) fn languages(&self) -> &BTreeMap<String, Language> {
        &self.languages
    }

    /// What each kind of mail shows; a kind that is not mailed has no entry.
    pub(crate) fn kinds(&self) -> &BTreeMap<ActionKind, KindLayout> {
        &self.kinds
    }

    /// The language for a customer: for `de-AT` first `de-AT`, then `de`, then English; and the region, for the forms of
    /// dates and amounts.
    pub(crate) fn language_for(&self, locale: Option<&str>) -> (&str, &Language, Option<String>) {
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
        let (tag, found) = known.map_or_else(|| (FALLBACK, &self.languages[FALLBACK]), |(tag, found)| (tag, found));
        (tag, found, region)
    }

    /// Fills one text of a language. `section` is `common` or a kind's name.
    pub(crate) fn fill_text(&self, tag: &str, section: &str, name: &str, vars: &Vars) -> Result<String, TemplateError> {
        let template = self.texts.get_template(&text_name(tag, section, name));
        template.and_then(|template| template.render(vars)).map_err(|error| self.locate(&error))
    }

    /// The names of the values that a text of a language uses.
    pub(crate) fn values_in_text(
        &self,
        tag: &str,
        section: &str,
        name: &str,
    ) -> Result<BTreeSet<String>, TemplateError> {
        let template = self.texts.get_template(&text_name(tag, section, name));
        let template = template.map_err(|error| self.locate(&error))?;
        Ok(template.undeclared_variables(false).into_iter().collect())
    }

    /// Fills the frame of the file `name`.
    pub(crate) fn fill_frame(&self, name: &str, values: minijinja::Value) -> Result<String, TemplateError> {
        let template = self.frames.get_template(name).and_then(|template| template.render(values));
        template.map_err(|error| self.locate(&error))
    }

    fn add_frame(&mut self, name: String, files: Vec<TemplateFile>) -> Result<(), TemplateError> {
        let Some(file) = files.into_iter().next_back() else { return Ok(()) };
        self.places.insert(name.clone(), (Arc::clone(&file.path), 1));
        let added = self.frames.add_template_owned(name, file.source);
        added.map_err(|error| self.locate(&error))
    }

    fn add_language(&mut self, tag: &str, files: &[TemplateFile]) -> Result<(), TemplateError> {
        let language = Language::read(files)?;
        self.add_texts(tag, "common", &language.common)?;
        for (kind, texts) in &language.kinds {
            self.add_texts(tag, kind, texts)?;
        }
        self.languages.insert(tag.to_owned(), language);
        Ok(())
    }

    fn add_texts(&mut self, tag: &str, section: &str, texts: &Texts) -> Result<(), TemplateError> {
        for (name, text) in &texts.0 {
            let template = text_name(tag, section, name);
            self.places.insert(template.clone(), (Arc::clone(&text.file), text.line));
            let added = self.texts.add_template_owned(template, text.source.clone());
            added.map_err(|error| self.locate(&error))?;
        }
        Ok(())
    }

    /// Names the file and line of an error as the author of the file knows them. The innermost error has the place; an
    /// outer one is only about the line that includes it.
    fn locate(&self, error: &minijinja::Error) -> TemplateError {
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

fn text_name(tag: &str, section: &str, name: &str) -> String {
    format!("{tag}/{section}.{name}")
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // An unknown value is an error where it would leave a hole, and none where a text asks for it.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment
}

fn frame_environment() -> Environment<'static> {
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
