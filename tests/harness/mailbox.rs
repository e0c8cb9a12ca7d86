//! The customers' mail server, in a container of its own: takes what the worker sends, shows it as any mail program
//! would read it, and refuses, keeps silent or is away as told.

use mail_parser::{HeaderName, MessageParser, MimeHeaders as _, PartType};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::Client;
use serde_json::{Value, json};
use testcontainers::core::IntoContainerPort as _;
use testcontainers::{GenericImage, ImageExt as _};
use uuid::Uuid;

use crate::broker::http_client;
use crate::containers::{Container, free_port};
use crate::eventually::{eventually, holds};

/// Who the mails are from.
pub const FROM: &str = "Shop <hello@shop.example>";
pub const USER: &str = "shop";
pub const PASSWORD: &str = "the/password:of@the-shop";
/// More than any test sends.
const MAILS_MAX: u32 = 10_000;

/// How the server wants to be spoken to. With any, it wants [`USER`] and [`PASSWORD`], too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    None,
    StartTls,
    Tls,
}

/// The server.
#[derive(Debug)]
pub struct Mailbox {
    pub container: Container,
    security: Security,
    smtp_port: u16,
    api: String,
    authority: String,
    client: Client,
}

/// A mail as it arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Without the angle brackets.
    pub message_id: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The media types of all parts, outer ones first.
    pub media_types: Vec<String>,
    pub pictures: Vec<Picture>,
    raw: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct Picture {
    pub content_id: String,
    pub is_inline: bool,
    pub png: Vec<u8>,
}

impl Mailbox {
    pub async fn open(security: Security) -> Self {
        let (smtp_port, http_port) = (free_port(), free_port());
        let (authority, certificate, key) = certificates();
        let mut image = GenericImage::new("axllent/mailpit", "v1.27")
            .with_mapped_port(smtp_port, 1025.tcp())
            .with_mapped_port(http_port, 8025.tcp())
            .with_env_var("MP_ENABLE_CHAOS", "true");
        if security != Security::None {
            let wish = if security == Security::Tls { "MP_SMTP_REQUIRE_TLS" } else { "MP_SMTP_REQUIRE_STARTTLS" };
            image = image
                .with_copy_to("/tls/certificate.pem", certificate.into_bytes())
                .with_copy_to("/tls/key.pem", key.into_bytes())
                .with_env_var("MP_SMTP_TLS_CERT", "/tls/certificate.pem")
                .with_env_var("MP_SMTP_TLS_KEY", "/tls/key.pem")
                .with_env_var("MP_SMTP_AUTH", format!("{USER}:{PASSWORD}"))
                .with_env_var(wish, "true");
        }
        let container = Container::start(image).await;
        let api = format!("http://127.0.0.1:{http_port}");
        let mailbox = Self { container, security, smtp_port, api, authority, client: http_client() };
        mailbox.answers().await;
        mailbox
    }

    /// Waits until the server does its work, after a start for example.
    pub async fn answers(&self) {
        eventually("the mail server answers", async || {
            let answer = self.client.get(format!("{}/readyz", self.api)).send().await;
            let status = answer.map_err(|error| error.to_string())?.status();
            holds(status.is_success(), || status.to_string())
        })
        .await;
    }

    /// Starts the stopped server again. What it had is gone.
    pub async fn start_again(&self) {
        self.container.start_again().await;
        self.answers().await;
    }

    pub fn url(&self) -> String {
        let (password, port) = (percent_encoded(PASSWORD), self.smtp_port);
        match self.security {
            Security::None => format!("smtp://127.0.0.1:{port}"),
            Security::StartTls => format!("smtp://{USER}:{password}@127.0.0.1:{port}?tls=required"),
            Security::Tls => format!("smtps://{USER}:{password}@127.0.0.1:{port}"),
        }
    }

    /// The authority that signed its certificate, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// From now on every recipient is refused with this code; `None`: no longer.
    pub async fn refuses(&self, code: Option<u16>) {
        let trigger = json!({ "ErrorCode": code.unwrap_or(451), "Probability": if code.is_some() { 100 } else { 0 } });
        let chaos = self.client.put(format!("{}/api/v1/chaos", self.api)).json(&json!({ "Recipient": trigger }));
        let answer = chaos.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// All mails, oldest first.
    pub async fn mails(&self) -> Vec<Mail> {
        let list: Value = self.get(&format!("messages?limit={MAILS_MAX}")).await.json().await.unwrap();
        let listed = list["messages"].as_array().unwrap();
        assert_eq!(list["total"], listed.len(), "the server shows all that it has");
        let mut mails = Vec::new();
        for summary in listed.iter().rev() {
            let raw = self.get(&format!("message/{}/raw", summary["ID"].as_str().unwrap())).await;
            let mail = Mail::parse(raw.bytes().await.unwrap().to_vec());
            assert_eq!(summary["MessageID"], mail.message_id, "two readers agree");
            mails.push(mail);
        }
        mails
    }

    /// Waits until there are so many.
    pub async fn received(&self, at_least: usize) -> Vec<Mail> {
        eventually("the customer has mail", async || {
            let mails = self.mails().await;
            if mails.len() >= at_least { Ok(mails) } else { Err(format!("{} of {at_least}", mails.len())) }
        })
        .await
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        let answer = self.client.get(format!("{}/api/v1/{path}", self.api)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer
    }
}

impl Mail {
    fn parse(raw: Vec<u8>) -> Self {
        let message = MessageParser::default().parse(&raw).unwrap();
        let pictures = message.parts.iter().filter_map(|part| {
            let (PartType::Binary(png) | PartType::InlineBinary(png)) = &part.body else { return None };
            let is_inline = part.content_disposition().is_some_and(mail_parser::ContentType::is_inline);
            Some(Picture { content_id: part.content_id()?.to_owned(), is_inline, png: png.to_vec() })
        });
        let media_type = |part: &mail_parser::MessagePart<'_>| {
            let named = part.content_type()?;
            Some(format!("{}/{}", named.ctype(), named.subtype()?))
        };
        Self {
            message_id: message.message_id().unwrap().to_owned(),
            to: message.to().and_then(|to| to.first()?.address()).unwrap().to_owned(),
            subject: message.subject().unwrap().to_owned(),
            text: message.body_text(0).unwrap().into_owned(),
            html: message.body_html(0).unwrap().into_owned(),
            media_types: message.parts.iter().filter_map(media_type).collect(),
            pictures: pictures.collect(),
            raw,
        }
    }

    /// A header as it was written, if it is there exactly once.
    pub fn header(&self, name: &'static str) -> Option<String> {
        let message = MessageParser::default().parse(&self.raw).unwrap();
        let wanted = HeaderName::from(name);
        let found: Vec<_> =
            message.headers_raw().filter(|(known, _)| known.eq_ignore_ascii_case(wanted.as_str())).collect();
        let [(_, value)] = found.as_slice() else { return None };
        Some(value.trim().to_owned())
    }

    /// The id of the action that it tells of.
    pub fn action_id(&self) -> Uuid {
        self.message_id.split('.').next().unwrap().parse().unwrap()
    }
}

impl Picture {
    /// What a phone reads in it.
    pub fn scan(&self) -> String {
        let mut reader = png::Decoder::new(std::io::Cursor::new(&self.png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        let (width, height) = (frame.width as usize, frame.height as usize);
        let (line, bits) = (frame.line_size, frame.bit_depth as usize);
        assert_eq!(frame.color_type, png::ColorType::Grayscale);
        // The top bit of a pixel tells black from white, whatever its depth.
        let is_white = |x: usize, y: usize| pixels[y * line + x * bits / 8] >> (7 - x * bits % 8) & 1 == 1;
        let light = |x: usize, y: usize| if is_white(x, y) { 255 } else { 0 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, light);
        image.detect_grids()[0].decode().unwrap().1
    }
}

/// A password as it stands in a URL.
pub fn percent_encoded(password: &str) -> String {
    password.replace('/', "%2F").replace(':', "%3A").replace('@', "%40")
}

/// An authority of the test's own, and a certificate for 127.0.0.1 with its key, all as PEM.
fn certificates() -> (String, String, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "the tests' authority");
    let authority_key = KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    (authority_pem, certificate.pem(), key.serialize_pem())
}
