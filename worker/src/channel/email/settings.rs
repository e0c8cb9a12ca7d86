//! The settings of mails to customers. Without `SMTP_URL` there are none.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use mail::{Brand, Templates};
use runtime::settings::{
    Description, Given, Noted, Problems, SettingsGroup as _, count, default, duration, optional, path, required, text,
};
use secrecy::SecretString;

use super::Authority;
use crate::templates;

/// How mails are sent, and what they look like.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    pub smtp: SmtpSettings,
    pub brand: Brand,
    pub templates: Arc<Templates>,
}

runtime::settings! {
    /// The mail server.
    pub struct SmtpSettings under "Mail to customers" if SMTP_URL {
        /// Mail server: smtps://user:password@host:465, or smtp://…:587?tls=required; without it, no mail is sent
        SMTP_URL => url: SecretString = required(smtp_url),
        /// PEM file with the certificates of an authority that is trusted beside the system's, for a private mail server
        SMTP_CA_FILE => authority: Option<Authority> = optional(authority),
        /// Sender of the mails: Shop <hello@shop.example>
        MAIL_FROM => from: Mailbox = required(mailbox),
        /// How long one mail may take, from connecting to the server's final answer
        MAIL_TIMEOUT => timeout: Duration = default("30s", duration),
        /// Connections to the mail server at a time
        MAIL_CONCURRENCY => concurrency: usize = default("4", count(100)),
    }
}

runtime::settings! {
    /// The look of the mails.
    struct LookSettings under "Mail to customers" {
        /// Folder whose files replace the built-in templates of the same names; the command `preview` shows the result
        TEMPLATES_DIR => templates_dir: Option<PathBuf> = optional(path),
        /// The shop's name, as customers know it
        BRAND_NAME => name: Option<String> = optional(text),
        /// The shop's colour, #rrggbb
        BRAND_COLOR => color: Option<String> = optional(text),
        /// URL (https) of a picture for the head of the mails
        BRAND_LOGO_URL => logo_url: Option<String> = optional(text),
        /// Address to which customers write for help
        BRAND_SUPPORT_EMAIL => support_email: Option<String> = optional(text),
        /// Page on which customers find help
        BRAND_SUPPORT_URL => support_url: Option<String> = optional(text),
        /// Page on which customers top up
        BRAND_TOP_UP_URL => top_up_url: Option<String> = optional(text),
        /// Last line of the mails, such as the company's legal name and address
        BRAND_LEGAL => legal: Option<String> = optional(text),
    }
}

impl EmailSettings {
    /// Descriptions of all settings, in the order of the manual.
    pub fn list() -> Vec<Description> {
        [SmtpSettings::list(), LookSettings::list()].concat()
    }

    /// Reads the settings if `SMTP_URL` is given.
    pub fn read_if_given(given: &Given, problems: &mut Problems) -> Result<Option<Self>, Noted> {
        let smtp = SmtpSettings::read_if_given(given, problems);
        if smtp.as_ref().is_ok_and(Option::is_none) {
            return Ok(None);
        }
        let look = LookSettings::read(given, problems)?;
        let templates = templates::load(look.templates_dir.as_deref());
        let templates = templates.map_err(|error| runtime::telemetry::chain(&error));
        let templates = problems.take("TEMPLATES_DIR", templates);
        let brand = brand(look, problems)?;
        let templates = Arc::new(templates?);
        Ok(smtp?.map(|smtp| Self { smtp, brand, templates }))
    }
}

fn brand(look: LookSettings, problems: &mut Problems) -> Result<Brand, Noted> {
    let default = Brand::default();
    let brand = Brand {
        name: look.name.unwrap_or(default.name),
        color: look.color.unwrap_or(default.color),
        logo_url: look.logo_url,
        support_email: look.support_email,
        support_url: look.support_url,
        top_up_url: look.top_up_url,
        legal: look.legal,
    };
    let wrong = brand.problems();
    if wrong.is_empty() { Ok(brand) } else { Err(problems.add_all("BRAND_…", wrong)) }
}

fn smtp_url(text: &str) -> Result<SecretString, String> {
    runtime::tls::use_ring();
    // The parser's own words would quote the password.
    AsyncSmtpTransport::<Tokio1Executor>::from_url(text).map(|_| text.into()).map_err(|_quotes_the_url| {
        "it must be like smtps://user:password@host:465, special characters %-encoded".to_owned()
    })
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_says_less| "it must be like Shop <hello@shop.example>".to_owned())
}

fn authority(path: &str) -> Result<Authority, String> {
    let pem = std::fs::read(Path::new(path)).map_err(|error| format!("{path}: {error}"))?;
    Authority::parse(&pem).map_err(|problem| format!("{path}: {problem}"))
}
