//! The wire: reads a request, has it answered, and treats the answer as the conduct says. It knows no provider.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use reqwest::Url;
use serde_json::Value;
use tokio::net::TcpListener;

use super::conduct::{Conduct, Outcome};
use super::door::Door;
use super::limits::{Exceeded, Standing};

const BODY_BYTES_MAX: usize = 1 << 20;

/// A provider: what it knows, and how it answers.
pub trait Speaks: Default + Debug + Send + 'static {
    fn answer(account: &Mutex<Self>, asked: &Asked) -> impl Future<Output = Reply> + Send;
}

/// A request as it was received.
#[derive(Debug)]
pub struct Asked {
    pub at: Instant,
    pub method: Method,
    pub path: String,
    pub raw_query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// The labels of the account's entries that it shows.
    shows: Vec<String>,
}

impl Asked {
    pub(super) async fn read(request: Request) -> Self {
        let at = Instant::now();
        let (parts, body) = request.into_parts();
        Self {
            at,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            raw_query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body: axum::body::to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default(),
        }
    }

    /// Method and path, to match an operation by.
    pub fn operation(&self) -> (&str, Vec<&str>) {
        (self.method.as_str(), self.path.trim_matches('/').split('/').collect())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// User and password.
    pub fn basic(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// The parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        decode(&self.raw_query, name)
    }

    /// The field of a body that is a form, and says so.
    pub fn field(&self, name: &str) -> Option<String> {
        let is_form = self.header("content-type")?.starts_with("application/x-www-form-urlencoded");
        is_form.then(|| decode(str::from_utf8(&self.body).ok()?, name)).flatten()
    }

    /// The body, if it is JSON and says so.
    pub fn json(&self) -> Option<Value> {
        let is_json = self.header("content-type")?.starts_with("application/json");
        is_json.then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }
}

fn decode(form: &str, name: &str) -> Option<String> {
    let url = Url::parse(&format!("http://localhost/?{form}")).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string(), shows: Vec::new() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), shows: Vec::new() }
    }

    /// With a body that says it is JSON, whatever it is.
    pub fn broken(status: u16, body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::json(status, &Value::Null) }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Notes which entries it shows; an entry without a label is not worth noting.
    #[must_use]
    pub fn showing<'a>(mut self, labels: impl IntoIterator<Item = &'a String>) -> Self {
        self.shows.extend(labels.into_iter().filter(|label| !label.is_empty()).cloned());
        self
    }

    pub fn shows(&self) -> &[String] {
        &self.shows
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn body(&self) -> &str {
        &self.body
    }

    /// 429 with the seconds to wait.
    pub fn too_many(exceeded: Exceeded, body: &Value) -> Self {
        Self::json(429, body).with("retry-after", exceeded.retry_after_seconds)
    }

    /// Tells where the caller stands, as Laravel does.
    #[must_use]
    pub fn with_standing(self, standing: Standing) -> Self {
        self.with("x-ratelimit-limit", standing.limit).with("x-ratelimit-remaining", standing.remaining)
    }

    fn into_response(self, half: bool) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let response = if half {
            let first = self.body.as_bytes()[..self.body.len() / 2].to_vec();
            response.header("content-length", self.body.len()).body(broken_off(first))
        } else {
            response.body(Body::from(self.body))
        };
        response.unwrap_or_else(|_bad_header| Response::default())
    }
}

/// Sends this much, and then ends the connection.
fn broken_off(first: Vec<u8>) -> Body {
    Body::from_stream(stream::unfold(Some(first), |first| async move {
        if let Some(first) = first {
            return Some((Ok(first), None));
        }
        // Lets the server write what it has before it hears of the end: else nothing at all would arrive.
        tokio::task::yield_now().await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
    }))
}

/// Serves as long as the process runs.
pub(super) fn serve<W: Speaks>(
    listener: TcpListener,
    account: Arc<Mutex<W>>,
    conduct: Arc<Conduct>,
) -> io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let door = Door::new(listener, Arc::clone(&conduct));
    let router = Router::new().fallback(move |request: Request| {
        let (account, conduct) = (Arc::clone(&account), Arc::clone(&conduct));
        async move { handle(&account, &conduct, request).await }
    });
    tokio::spawn(async move { axum::serve(door, router).await });
    Ok(address)
}

async fn handle<W: Speaks>(account: &Mutex<W>, conduct: &Conduct, request: Request) -> Response {
    let asked = Asked::read(request).await;
    let (number, treatment) = conduct.receive(&asked);
    let reply = match treatment.failure {
        Some(reply) => reply,
        None => W::answer(account, &asked).await,
    };
    // If the client goes away first, this task ends here, and the request stays unanswered.
    tokio::time::sleep(treatment.slow).await;
    let outcome = if treatment.half { Outcome::Cut(reply.status) } else { Outcome::Answered(reply.status) };
    conduct.settle(number, &asked, &reply, outcome);
    reply.into_response(treatment.half)
}
