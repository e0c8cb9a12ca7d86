//! The settings of the customer's mail. Without `SMTP_URL` there is none.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use mail::{Brand, Templates};
use runtime::settings::{Problems, count, duration};

use crate::channel::email::{Authority, EmailSettings};
use crate::templates;

/// The settings as text. No secret has a default.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mail to customers")]
pub struct MailArgs {
    /// Where mail is handed in: smtps://user:password@host:465, or smtp://…:587?tls=required; unset: no mail
    #[arg(long, env, hide_env_values = true)]
    smtp_url: Option<String>,
    /// A PEM file of what a private mail server's certificate is signed by; what the system trusts is trusted anyway
    #[arg(long, env)]
    smtp_ca_file: Option<PathBuf>,
    /// Who the mail is from: Shop <hello@shop.example>
    #[arg(long, env)]
    mail_from: Option<String>,
    /// How long one mail may take
    #[arg(long, env, default_value = "30s")]
    mail_timeout: String,
    /// Connections to the mail server at a time
    #[arg(long, env, default_value = "4")]
    mail_concurrency: String,
    /// A folder whose files replace the templates of the same names; `worker preview` shows the result
    #[arg(long, env)]
    templates_dir: Option<PathBuf>,
    /// The shop's name, as customers know it
    #[arg(long, env)]
    brand_name: Option<String>,
    /// The shop's colour, #rrggbb
    #[arg(long, env)]
    brand_color: Option<String>,
    /// A picture for the head of a mail, https://…
    #[arg(long, env)]
    brand_logo_url: Option<String>,
    /// Where customers ask for help
    #[arg(long, env)]
    brand_support_email: Option<String>,
    /// Where customers find help
    #[arg(long, env)]
    brand_support_url: Option<String>,
    /// Where customers top up
    #[arg(long, env)]
    brand_top_up_url: Option<String>,
    /// A line at the end of a mail, such as the company's legal name and address
    #[arg(long, env)]
    brand_legal: Option<String>,
}

impl MailArgs {
    /// The outer `None` is a problem, the inner one the lack of a mail server.
    #[expect(clippy::option_option, reason = "wrong and absent are not the same")]
    pub(super) fn read(&self, lease: Option<Duration>, problems: &mut Problems) -> Option<Option<EmailSettings>> {
        let url = self.smtp_url.clone().filter(|url| !url.trim().is_empty());
        let Some(url) = url else { return Some(None) };
        let from = problems.require("MAIL_FROM", self.mail_from.clone());
        let from = from.and_then(|from| {
            problems.take(
                "MAIL_FROM",
                from.parse::<Mailbox>().map_err(|_says_less| "it must be like Shop <hello@shop.example>"),
            )
        });
        runtime::tls::use_ring();
        let is_url = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).is_ok();
        if !is_url {
            problems.add("SMTP_URL", "it must be like smtps://user:password@host:465, special characters %-encoded");
        }
        let authority = problems.take("SMTP_CA_FILE", self.authority());
        let timeout = problems.take("MAIL_TIMEOUT", duration(&self.mail_timeout));
        let concurrency = problems.take("MAIL_CONCURRENCY", count(&self.mail_concurrency, 100));
        if timeout.zip(lease).is_some_and(|(timeout, lease)| timeout >= lease) {
            problems.add("DELIVERY_LEASE", "it must be longer than MAIL_TIMEOUT, or mails are repeated");
        }
        let templates = problems.take("TEMPLATES_DIR", self.templates());
        Some(Some(EmailSettings {
            url: url.into(),
            authority: authority?,
            from: from?,
            brand: self.brand(problems),
            templates: Arc::new(templates?),
            timeout: timeout?,
            concurrency: usize::try_from(concurrency?).ok()?,
        }))
    }

    fn authority(&self) -> Result<Option<Authority>, String> {
        let Some(path) = self.smtp_ca_file.as_deref().filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(None);
        };
        let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Authority::parse(&pem).map(Some).map_err(|problem| format!("{}: {problem}", path.display()))
    }

    /// The built-in templates with the shop's over them.
    pub fn templates(&self) -> Result<Templates, String> {
        templates::load(self.templates_dir.as_deref()).map_err(|error| runtime::telemetry::chain(&error))
    }

    /// The shop as customers see it.
    pub fn brand(&self, problems: &mut Problems) -> Brand {
        let default = Brand::default();
        // Empty is as good as unset: docker-compose.yml passes on what nobody has set.
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let brand = Brand {
            name: given(&self.brand_name).unwrap_or(default.name),
            color: given(&self.brand_color).unwrap_or(default.color),
            logo_url: given(&self.brand_logo_url),
            support_email: given(&self.brand_support_email),
            support_url: given(&self.brand_support_url),
            top_up_url: given(&self.brand_top_up_url),
            legal: given(&self.brand_legal),
        };
        for problem in brand.problems() {
            problems.add("BRAND_…", problem);
        }
        brand
    }
}
