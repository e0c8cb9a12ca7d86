//! The shop's door: which orders there are, and who they belong to. Registered before or after the provider's first word.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::contact::Contact;
use store::StoreError;
use store::contacts::Put;
use subtle::ConstantTimeEq as _;

use crate::context::Context;
use crate::why;

/// A contact is a few short lines (bytes).
const BODY_LIMIT: usize = 16 * 1024;
/// Characters in any one of them.
const TEXT_LIMIT: usize = 200;
/// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const EMAIL_LIMIT: usize = 254;

#[derive(Debug, Clone)]
struct Api {
    context: Arc<Context>,
    token: Arc<SecretString>,
}

/// `/v1/…`, for whoever bears the token.
pub(crate) fn router(context: Arc<Context>, token: SecretString) -> Router {
    let api = Api { context, token: Arc::new(token) };
    Router::new()
        .route("/v1/orders/{source}/{order_ref}", put(put_order).get(get_order).delete(delete_order))
        .route("/v1/orders/{source}/{order_ref}/contact", put(put_contact).get(get_contact).delete(delete_contact))
        .route("/v1/why/{*reference}", get(get_why))
        .layer(from_fn_with_state(api.clone(), authorize))
        .with_state(api)
}

async fn authorize(State(api): State<Api>, request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().trim();
    if bool::from(given.as_bytes().ct_eq(api.token.expose_secret().as_bytes())) {
        return next.run(request).await;
    }
    let mut refusal = Problem::new(StatusCode::UNAUTHORIZED).into_response();
    refusal.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    refusal
}

#[derive(Debug, Deserialize)]
struct OrderPath {
    source: String,
    order_ref: String,
}

/// What the shop may say of an order when it registers it.
#[derive(Debug, Default, Deserialize)]
struct Registration {
    /// What it told the provider when it ordered.
    description: Option<String>,
}

/// Idempotent: an order that is registered stays so.
async fn put_order(State(api): State<Api>, Path(order): Path<OrderPath>, body: Body) -> Response {
    let registration = match read_registration(body).await.and_then(|read| check_order(&api, &order).map(|()| read)) {
        Ok(registration) => registration,
        Err(problem) => return *problem,
    };
    let registered = async {
        let mut db = api.context.store.connect().await?;
        let description = registration.description.as_deref();
        let is_new = db.register_order(&order.source, &order.order_ref, description).await?;
        Ok::<_, StoreError>((is_new, db.find_registration(&order.source, &order.order_ref).await?))
    };
    match registered.await {
        Ok((true, found)) => (StatusCode::CREATED, axum::Json(found)).into_response(),
        Ok((false, found)) => axum::Json(found).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn get_order(State(api): State<Api>, Path(order): Path<OrderPath>) -> Response {
    let found = async {
        let mut db = api.context.store.connect().await?;
        db.find_registration(&order.source, &order.order_ref).await
    };
    show(found.await)
}

/// Forgets what the shop said of the order: that there is one, how it was described, and whose it is. Idempotent.
async fn delete_order(State(api): State<Api>, Path(order): Path<OrderPath>) -> Response {
    let deleted = async {
        let mut tx = api.context.store.begin().await?;
        tx.delete_contact(&order.source, &order.order_ref).await?;
        tx.delete_registration(&order.source, &order.order_ref).await?;
        tx.forget_description(&order.source, &order.order_ref).await?;
        tx.commit().await
    };
    forgotten(deleted.await)
}

/// An empty body says nothing more than that the order exists.
async fn read_registration(body: Body) -> Result<Registration, Box<Response>> {
    let body = read_body(body).await?;
    if body.trim_ascii().is_empty() {
        return Ok(Registration::default());
    }
    let read: Registration = parse(&body, "registration")?;
    if read.description.as_deref().is_some_and(is_long) {
        return Err(bad("`description` must be one line of at most 200 characters"));
    }
    Ok(read)
}

async fn put_contact(State(api): State<Api>, Path(order): Path<OrderPath>, body: Body) -> Response {
    let contact = match read_contact(body).await {
        Ok(contact) => contact,
        Err(problem) => return *problem,
    };
    if let Err(problem) = check_order(&api, &order) {
        return *problem;
    }
    match register(&api, &order, &contact).await {
        Ok(Put::Created) => (StatusCode::CREATED, axum::Json(contact)).into_response(),
        Ok(Put::Replaced) => axum::Json(contact).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn register(api: &Api, order: &OrderPath, contact: &Contact) -> Result<Put, StoreError> {
    let mut tx = api.context.store.begin().await?;
    tx.register_order(&order.source, &order.order_ref, None).await?;
    let put = tx.put_contact(&order.source, &order.order_ref, contact).await?;
    let released = tx.release_waiting().await?;
    tx.commit().await?;
    if released > 0 {
        api.context.actions_added.notify_waiters();
    }
    Ok(put)
}

async fn get_contact(State(api): State<Api>, Path(order): Path<OrderPath>) -> Response {
    let found = async {
        let mut db = api.context.store.connect().await?;
        db.find_contact(&order.source, &order.order_ref).await
    };
    show(found.await)
}

/// Idempotent: what is not there is forgotten already.
async fn delete_contact(State(api): State<Api>, Path(order): Path<OrderPath>) -> Response {
    let deleted = async {
        let mut db = api.context.store.connect().await?;
        db.delete_contact(&order.source, &order.order_ref).await
    };
    forgotten(deleted.await)
}

/// The story as `worker why` tells it. An eSIM Access reference holds a slash, so the whole rest of the path counts.
async fn get_why(State(api): State<Api>, Path(reference): Path<String>) -> Response {
    let story = why::find(&*api.context.store, &reference).await;
    show(story.map(|story| Some(story).filter(|story| !story.is_empty())))
}

fn show(found: Result<Option<impl Serialize>, StoreError>) -> Response {
    match found {
        Ok(Some(found)) => axum::Json(found).into_response(),
        Ok(None) => Problem::new(StatusCode::NOT_FOUND).into_response(),
        Err(error) => unavailable(&error),
    }
}

fn forgotten<T>(deleted: Result<T, StoreError>) -> Response {
    match deleted {
        Ok(_was_there) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &StoreError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "the API can't reach the database");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE).into_response()
}

fn check_order(api: &Api, order: &OrderPath) -> Result<(), Box<Response>> {
    if !api.context.sources.is_empty() && api.context.sources.find(&order.source).is_none() {
        let detail = "there is no such source; sources are named in SOURCES_FILE";
        return Err(Box::new(Problem::new(StatusCode::NOT_FOUND).with_detail(detail).into_response()));
    }
    if order.order_ref.is_empty() || order.order_ref.chars().count() > TEXT_LIMIT || order.order_ref.contains('\0') {
        return Err(bad("the order's reference must be 1 to 200 characters"));
    }
    Ok(())
}

fn bad(detail: impl Into<String>) -> Box<Response> {
    Box::new(Problem::new(StatusCode::UNPROCESSABLE_ENTITY).with_detail(detail).into_response())
}

async fn read_contact(body: Body) -> Result<Contact, Box<Response>> {
    let contact: Contact = parse(&read_body(body).await?, "contact")?;
    check_contact(&contact).map_err(bad)?;
    Ok(contact)
}

async fn read_body(body: Body) -> Result<Bytes, Box<Response>> {
    to_bytes(body, BODY_LIMIT).await.map_err(|error| {
        tracing::debug!(%error, "a body was not read");
        Box::new(Problem::new(StatusCode::PAYLOAD_TOO_LARGE).into_response())
    })
}

fn parse<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Box<Response>> {
    // serde's own message may quote from the body.
    serde_json::from_slice(body).map_err(|error| {
        bad(format!("the body is no {what}: {:?} error at column {}", error.classify(), error.column()))
    })
}

fn check_contact(contact: &Contact) -> Result<(), &'static str> {
    if contact.email.len() > EMAIL_LIMIT || contact.email.parse::<lettre::Address>().is_err() {
        return Err("`email` must be an e-mail address");
    }
    let texts = [&contact.name, &contact.locale, &contact.time_zone, &contact.reference];
    if texts.into_iter().flatten().any(|text| is_long(text)) {
        return Err("`name`, `locale`, `time_zone` and `reference` must be one line of at most 200 characters");
    }
    if contact.time_zone.as_ref().is_some_and(|zone| zone.parse::<chrono_tz::Tz>().is_err()) {
        return Err("`time_zone` must be an IANA time zone such as Europe/Berlin");
    }
    Ok(())
}

fn is_long(text: &str) -> bool {
    text.chars().count() > TEXT_LIMIT || text.chars().any(char::is_control)
}
