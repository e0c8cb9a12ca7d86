//! The door of the crate: templates are loaded and checked once, and then write mails.

use serde_json::Value;
use shared::action::ActionKind;
use shared::contact::Contact;

use crate::brand::Brand;
use crate::built_in;
use crate::check::check;
use crate::compiled::{Compiled, Files};
use crate::frame::{self, MailParts, RenderedTexts};
use crate::install;
use crate::kinds;
use crate::qr::{self, QrError};
use crate::rendered::{InlinePicture, Mail};
use crate::texts::{TemplateError, TemplateFile};
use crate::vars;

/// Characters of a subject that mail programs show.
const SUBJECT_MAX: usize = 70;

/// Why there is no mail. The error tells nothing of the mail's content.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("no mail is written for {0}")]
    NotMailed(ActionKind),
    #[error("the payload has no activation code")]
    NoActivationCode,
    #[error("the activation code could not be drawn")]
    Qr(#[from] QrError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Whether a file of this name in the shop's folder is a template. Other files are ignored.
pub fn is_template(file_name: &str) -> bool {
    let extension = file_name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| ["toml", "html", "txt"].contains(&extension))
}

/// All templates, checked.
#[derive(Debug)]
pub struct Templates(Compiled);

impl Templates {
    /// The built-in templates, and the shop's `files` (by file name, such as `de.toml`) over them: a `.toml` file replaces
    /// only the texts that it has, another file the whole built-in one. Renders everything once, with all values and with
    /// as few as possible, so that an error is found now and not when a customer waits for a mail.
    pub fn load(files: impl IntoIterator<Item = (String, TemplateFile)>) -> Result<Self, TemplateError> {
        let mut all = built_in_files();
        for (name, file) in files {
            if !name.ends_with(".toml") && !all.contains_key(&name) {
                return Err(file.error(1, "no template has this name"));
            }
            all.entry(name).or_default().push(file);
        }
        let compiled = Compiled::new(all)?;
        check(&compiled)?;
        Ok(Self(compiled))
    }

    /// Writes the mail of an action of this kind for a customer.
    pub fn render(
        &self,
        kind: ActionKind,
        payload: &Value,
        contact: &Contact,
        brand: &Brand,
    ) -> Result<Mail, RenderError> {
        let layout = self.0.kinds().get(&kind).ok_or(RenderError::NotMailed(kind))?;
        let (tag, language, region) = self.0.language_for(contact.locale.as_deref());
        let format = language.formats.of(region.as_deref());
        let vars = vars::gather(payload, contact, brand, &language.labels, format);
        let install = if layout.install {
            let tips = frame::tips(language);
            Some(install::read(payload, &language.install, tips).ok_or(RenderError::NoActivationCode)?)
        } else {
            None
        };
        let picture = install.as_ref().map(|install| picture(&install.activation_code)).transpose()?;
        let percent = vars::used_percent(payload).filter(|_| layout.meter);
        let parts = MailParts { kind, layout, vars: &vars, install, percent, brand };
        let RenderedTexts { subject, text, html } = frame::render(&self.0, tag, parts)?;
        let subject = cut(&subject, SUBJECT_MAX);
        Ok(Mail { subject, text, html, inline: picture.into_iter().collect(), locale: tag.to_owned() })
    }

    /// The languages by their tags.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.0.languages().keys().map(String::as_str)
    }
}

fn built_in_files() -> Files {
    let languages = built_in::LANGUAGES.into_iter().map(|(tag, source)| (format!("{tag}.toml"), source));
    let frames = built_in::FRAMES.into_iter().map(|(name, source)| (name.to_owned(), source));
    let all = languages.chain(frames).chain([(kinds::FILE.to_owned(), built_in::KINDS)]);
    all.map(|(name, source)| (name.clone(), vec![TemplateFile::new(name, source)])).collect()
}

fn picture(activation_code: &str) -> Result<InlinePicture, QrError> {
    let bytes = qr::png(activation_code)?;
    Ok(InlinePicture { content_id: install::CONTENT_ID.to_owned(), media_type: "image/png", bytes })
}

fn cut(subject: &str, length: usize) -> String {
    if subject.chars().count() <= length {
        return subject.to_owned();
    }
    let kept: String = subject.chars().take(length - 1).collect();
    format!("{}…", kept.trim_end())
}
