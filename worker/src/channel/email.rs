//! The customer's mailbox: a rendered mail, sent over SMTP. What it says is `mail`'s business.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::PoolConfig;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::Outcome;
use crate::mail::{Brand, Contact, Mail, Templates};
use crate::store::outbox::Claimed;

pub const NAME: &str = "email";

/// Where mail is handed in, and what it looks like.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// `smtps://user:password@host:465`, or `smtp://…:587?tls=required`.
    pub url: SecretString,
    pub from: Mailbox,
    pub brand: Brand,
    pub templates: Arc<Templates>,
    /// For one mail, from connecting to the server's last word.
    pub timeout: Duration,
    /// Connections to the server at once.
    pub concurrency: usize,
}

/// Sends mail.
#[derive(Debug)]
pub struct Email {
    settings: EmailSettings,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Email {
    /// Connects when there is something to send.
    pub fn new(settings: EmailSettings) -> anyhow::Result<Self> {
        super::use_ring();
        let connections = u32::try_from(settings.concurrency).unwrap_or(u32::MAX);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.url.expose_secret())
            .context("reading SMTP_URL")?
            .timeout(Some(settings.timeout))
            .pool_config(PoolConfig::new().max_size(connections))
            .build();
        Ok(Self { settings, transport })
    }

    pub fn concurrency(&self) -> usize {
        self.settings.concurrency
    }

    /// Sends one delivery to its contact. Sent twice, it has the same `Message-ID`, by which mailboxes know a copy.
    pub async fn send(&self, delivery: &Claimed, contact: &Contact) -> Outcome {
        let Ok(to) = contact.email.parse::<Address>() else {
            return Outcome::Refused { error: "the contact's e-mail address is none".to_owned() };
        };
        let EmailSettings { templates, brand, .. } = &self.settings;
        let rendered = templates.render(&delivery.kind, &delivery.payload, contact, brand);
        let message = rendered.map_err(anyhow::Error::from).and_then(|mail| self.compose(delivery, contact, to, mail));
        let message = match message {
            Ok(message) => message,
            // The template is wrong, and can be mended while the delivery waits.
            Err(error) => {
                let error = runtime::telemetry::chain(error.as_ref());
                return Outcome::Failed { error: format!("can't compose the mail: {error}"), retry_after: None };
            }
        };
        match timeout(self.settings.timeout, self.transport.send(message)).await {
            Ok(Ok(_accepted)) => Outcome::Sent,
            Ok(Err(error)) => judge(&error),
            Err(_elapsed) => failed("the mail server did not answer in time"),
        }
    }

    fn compose(&self, delivery: &Claimed, contact: &Contact, to: Address, mail: Mail) -> anyhow::Result<Message> {
        let mut html = MultiPart::related().singlepart(SinglePart::html(mail.html));
        for inline in mail.inline {
            let media_type = ContentType::parse(inline.media_type).context("reading the media type of a picture")?;
            html = html.singlepart(Attachment::new_inline(inline.content_id).body(inline.bytes, media_type));
        }
        let body = MultiPart::alternative().singlepart(SinglePart::plain(mail.text)).multipart(html);
        Message::builder()
            .from(self.settings.from.clone())
            .to(Mailbox::new(contact.name.clone(), to))
            .message_id(Some(message_id(delivery, self.settings.from.email.domain())))
            // RFC 3834: no out-of-office reply to this one.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .subject(mail.subject)
            .multipart(body)
            .context("putting the mail together")
    }
}

fn message_id(delivery: &Claimed, domain: &str) -> String {
    format!("<{}.{NAME}@{domain}>", delivery.action_id)
}

fn failed(error: &str) -> Outcome {
    Outcome::Failed { error: error.to_owned(), retry_after: None }
}

/// The server's own words are left out: they tend to hold the customer's address.
fn judge(error: &lettre::transport::smtp::Error) -> Outcome {
    match error.status() {
        Some(code) if error.is_permanent() => {
            Outcome::Refused { error: format!("the mail server refused the mail for good ({code})") }
        }
        Some(code) => failed(&format!("the mail server refused the mail for now ({code})")),
        None if error.is_timeout() => failed("the mail server did not answer in time"),
        None => failed(&runtime::telemetry::chain(error)),
    }
}
