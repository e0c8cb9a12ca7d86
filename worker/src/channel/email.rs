//! The customer's mailbox: a rendered mail, sent over SMTP. What it says is `mail`'s business.

use anyhow::Context as _;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::response::Category;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mail::Mail;
use secrecy::ExposeSecret as _;
use shared::action::ActionKind;
use shared::contact::Contact;
use store::outbox::Claimed;
use tokio::time::timeout;

use super::Outcome;

mod settings;

pub use settings::{EmailSettings, SmtpSettings};

pub const NAME: &str = "email";

/// The certificate that a private mail server's own is signed by.
#[derive(Clone)]
pub struct Authority(Certificate);

impl Authority {
    /// Reads a PEM file, which may hold several.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        if !String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err("it holds no certificate in PEM form".to_owned());
        }
        Certificate::from_pem(pem).map(Self).map_err(|error| runtime::telemetry::chain(&error))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
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
        runtime::tls::use_ring();
        let connections = u32::try_from(settings.smtp.concurrency).unwrap_or(u32::MAX);
        let transport = server(&settings)?
            .timeout(Some(settings.smtp.timeout))
            .pool_config(PoolConfig::new().max_size(connections))
            .build();
        Ok(Self { settings, transport })
    }

    pub fn concurrency(&self) -> usize {
        self.settings.smtp.concurrency
    }

    /// Sends one delivery to its contact. Sent twice, it has the same `Message-ID`, by which mailboxes know a copy.
    pub async fn send(&self, delivery: &Claimed, contact: &Contact) -> Outcome {
        let Ok(to) = contact.email.parse::<Address>() else {
            return Outcome::Refused { error: "the contact's e-mail address is none".to_owned() };
        };
        let EmailSettings { templates, brand, .. } = &self.settings;
        let Some(kind) = ActionKind::parse(&delivery.kind) else {
            return Outcome::Refused { error: format!("no mail is written for {}", delivery.kind) };
        };
        let rendered = templates.render(kind, &delivery.payload, contact, brand);
        let message = rendered.map_err(anyhow::Error::from).and_then(|mail| self.compose(delivery, contact, to, mail));
        let message = match message {
            Ok(message) => message,
            // The template is wrong, and can be mended while the delivery waits.
            Err(error) => {
                let error = runtime::telemetry::chain(error.as_ref());
                return Outcome::Failed { error: format!("can't compose the mail: {error}"), retry_after: None };
            }
        };
        match timeout(self.settings.smtp.timeout, self.transport.send(message)).await {
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
            .from(self.settings.smtp.from.clone())
            .to(Mailbox::new(contact.name.clone(), to))
            .message_id(Some(message_id(delivery, self.settings.smtp.from.email.domain())))
            // RFC 3834: no out-of-office reply to this one.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Content-Language"), mail.locale))
            .subject(mail.subject)
            .multipart(body)
            .context("putting the mail together")
    }
}

/// The server that the URL names, trusted by the system's certificates and the settings' own.
fn server(settings: &EmailSettings) -> anyhow::Result<AsyncSmtpTransportBuilder> {
    let text = settings.smtp.url.expose_secret();
    let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(text).context("reading SMTP_URL")?;
    let Some(Authority(certificate)) = settings.smtp.authority.clone() else { return Ok(server) };
    let url: reqwest::Url = text.parse().context("reading SMTP_URL")?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let tls = TlsParameters::builder(host).add_root_certificate(certificate).build().context("reading SMTP_CA_FILE")?;
    let wish = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    Ok(match (url.scheme(), wish.as_deref()) {
        ("smtps", _) => server.tls(Tls::Wrapper(tls)),
        (_, Some("required")) => server.tls(Tls::Required(tls)),
        (_, Some("opportunistic")) => server.tls(Tls::Opportunistic(tls)),
        _ => server,
    })
}

fn message_id(delivery: &Claimed, domain: &str) -> String {
    format!("<{}.{NAME}@{domain}>", delivery.action_id)
}

fn failed(error: &str) -> Outcome {
    Outcome::Failed { error: error.to_owned(), retry_after: None }
}

/// The server's own words are left out: they tend to hold the customer's address.
fn judge(error: &lettre::transport::smtp::Error) -> Outcome {
    let said = runtime::telemetry::chain(error);
    match error.status() {
        // RFC 4954: the second digit is 3 where the connection is not as the server wants it. That is our own mistake,
        // and can be mended while the mail waits.
        Some(code) if code.category == Category::Unspecified3 => {
            failed(&format!("the mail server does not let us in ({code}); see user name, password and TLS in SMTP_URL"))
        }
        Some(code) if error.is_permanent() => {
            Outcome::Refused { error: format!("the mail server refused the mail for good ({code})") }
        }
        Some(code) => failed(&format!("the mail server refused the mail for now ({code})")),
        None if error.is_timeout() => failed("the mail server did not answer in time"),
        None if error.is_response() => failed("the mail server's answer makes no sense"),
        None if error.is_tls() || said.contains("certificate") => {
            failed(&format!("{said}; SMTP_CA_FILE may name who vouches for a mail server of your own"))
        }
        None => failed(&said),
    }
}
