//! What an operator does to a broker by hand, over its management API: virtual hosts, queues, messages put in, depths.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::containers::RabbitMq;
use crate::eventually::{eventually, holds};

/// One virtual host of a broker.
#[derive(Debug)]
pub struct VirtualHost {
    pub name: String,
    amqp_port: u16,
    management: String,
    client: Client,
}

impl VirtualHost {
    /// One that is there.
    pub fn of(broker: &RabbitMq, name: &str) -> Self {
        let management = format!("http://127.0.0.1:{}/api", broker.management_port);
        Self { name: name.to_owned(), amqp_port: broker.amqp_port, management, client: http_client() }
    }

    /// Makes it, once the broker's management answers.
    pub async fn create(broker: &RabbitMq, name: &str) -> Self {
        let host = Self::of(broker, name);
        eventually("making a virtual host", async || {
            let answer = host.ask(Method::PUT, &format!("vhosts/{name}")).send().await;
            let status = answer.map_err(|error| error.to_string())?.status();
            holds(status.is_success(), || status.to_string())
        })
        .await;
        host
    }

    pub fn amqp_url(&self) -> String {
        self.amqp_url_through(self.amqp_port)
    }

    /// The URL by which the broker is reached through `port`.
    pub fn amqp_url_through(&self, port: u16) -> String {
        format!("amqp://guest:guest@127.0.0.1:{port}/{}", self.name)
    }

    pub fn amqp_port(&self) -> u16 {
        self.amqp_port
    }

    /// Declares a durable queue as somebody else might have.
    pub async fn declare_queue(&self, queue: &str, arguments: Value) {
        let body = json!({ "durable": true, "arguments": arguments });
        let answer = self.ask(Method::PUT, &format!("queues/{}/{queue}", self.name)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{queue}: {}", answer.text().await.unwrap());
    }

    /// Puts a message into an exchange, with properties and headers of the caller's liking.
    pub async fn publish(&self, exchange: &str, properties: Value, payload: &str) {
        let body = json!({
            "properties": properties, "routing_key": "by.hand", "payload": payload, "payload_encoding": "string",
        });
        let path = format!("exchanges/{}/{exchange}/publish", self.name);
        let answer = self.ask(Method::POST, &path).json(&body).send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "routed": true }));
    }

    /// Takes up to `count` messages and gives them back.
    pub async fn hand_back(&self, queue: &str, count: u32) -> usize {
        let body = json!({ "count": count, "ackmode": "reject_requeue_true", "encoding": "auto" });
        let path = format!("queues/{}/{queue}/get", self.name);
        let answer = self.ask(Method::POST, &path).json(&body).send().await.unwrap();
        answer.json::<Vec<Value>>().await.unwrap().len()
    }

    /// The queue as the management API shows it; `None` if there is none.
    pub async fn queue(&self, queue: &str) -> Result<Option<Value>, String> {
        let answer = self.ask(Method::GET, &format!("queues/{}/{queue}", self.name)).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            _ => answer.json().await.map(Some).map_err(|error| error.to_string()),
        }
    }

    /// Waits until the broker holds nothing: neither ready nor handed out.
    pub async fn emptied(&self, queue: &str) {
        eventually(&format!("{queue} is empty"), async || {
            let Some(seen) = self.queue(queue).await? else { return Ok(()) };
            let count = |name: &str| seen.get(name).and_then(Value::as_u64);
            let counts = [count("messages_ready"), count("messages_unacknowledged"), count("consumers")];
            holds(counts[..2] == [Some(0), Some(0)], || format!("ready, unacknowledged, consumers: {counts:?}"))
        })
        .await;
    }

    /// Waits until the broker knows of no consumer any more, and then of no message: what a consumer held is back.
    pub async fn left_empty(&self, queue: &str) {
        eventually(&format!("{queue} is left empty"), async || {
            let Some(seen) = self.queue(queue).await? else { return Ok(()) };
            let counts = ["consumers", "messages"].map(|name| seen.get(name).and_then(Value::as_u64));
            holds(counts == [Some(0), Some(0)], || format!("consumers, messages: {counts:?}"))
        })
        .await;
    }

    pub async fn delete(&self) {
        let answer = self.ask(Method::DELETE, &format!("vhosts/{}", self.name)).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/{path}", self.management)).basic_auth("guest", Some("guest"))
    }
}

/// A client for plain HTTP; reqwest wants to know its TLS all the same.
pub fn http_client() -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
