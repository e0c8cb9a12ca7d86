//! The wire: reads a request, has it answered, and treats the answer as the conduct says. It knows no provider.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::serve::Listener;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use reqwest::Url;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::conduct::{Conduct, Outcome};
use super::limits::{Exceeded, Standing};

const BODY_BYTES_MAX: usize = 1 << 20;

/// A provider: what it knows, and how it answers.
pub trait Speaks: Default + Debug + Send + 'static {
    fn answer(world: &Mutex<Self>, asked: &Asked) -> impl Future<Output = Reply> + Send;
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
}

impl Asked {
    async fn read(request: Request) -> Self {
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
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
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
        if half {
            let first = self.body.as_bytes()[..self.body.len() / 2].to_vec();
            response.header("content-length", self.body.len()).body(broken_off(first)).unwrap()
        } else {
            response.body(Body::from(self.body)).unwrap()
        }
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

/// Serves as long as the test runs.
pub(super) async fn serve<W: Speaks>(world: Arc<Mutex<W>>, conduct: Arc<Conduct>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door { listener, conduct: Arc::clone(&conduct) };
    let router = Router::new().fallback(move |request: Request| {
        let (world, conduct) = (Arc::clone(&world), Arc::clone(&conduct));
        async move { handle(&world, &conduct, request).await }
    });
    tokio::spawn(async move { axum::serve(door, router).await });
    address
}

async fn handle<W: Speaks>(world: &Mutex<W>, conduct: &Conduct, request: Request) -> Response {
    let asked = Asked::read(request).await;
    let treatment = conduct.receive(&asked);
    let reply = match treatment.failure {
        Some(reply) => reply,
        None => W::answer(world, &asked).await,
    };
    tokio::time::sleep(treatment.slow).await;
    let outcome = if treatment.half { Outcome::Cut(reply.status) } else { Outcome::Answered(reply.status) };
    conduct.settle(treatment.number, outcome);
    reply.into_response(treatment.half)
}

/// Takes connections, and hangs up at once while the provider is down.
struct Door {
    listener: TcpListener,
    conduct: Arc<Conduct>,
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            if self.conduct.is_down() {
                self.conduct.turn_away();
            } else {
                return (Line { stream, conduct: Arc::clone(&self.conduct) }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that breaks as soon as the provider is down.
struct Line {
    stream: TcpStream,
    conduct: Arc<Conduct>,
}

impl Line {
    fn check(&self) -> io::Result<()> {
        if self.conduct.is_down() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if read.is_ready() && into.filled().len() > before && self.check().is_err() {
            self.conduct.turn_away();
            return Poll::Ready(self.check());
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
