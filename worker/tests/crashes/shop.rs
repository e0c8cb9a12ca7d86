//! The shop's endpoint, over HTTP: remembers which promise was told how often. The process may die between the telling and
//! the answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;
use worker::channel::Channel;
use worker::channel::merchant_webhook::{MerchantWebhook, MerchantWebhookSettings};

use crate::fuse::Fuse;

/// Serves as long as its runtime runs.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    heard: Arc<Mutex<Heard>>,
    webhook: MerchantWebhook,
}

#[derive(Debug)]
struct Heard {
    fuse: Fuse,
    /// By `webhook-id`.
    times: BTreeMap<String, usize>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let heard = Arc::new(Mutex::new(Heard { fuse: Fuse::none(), times: BTreeMap::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().route("/hook", post(hear)).with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let secrets = vec![b"the shop and the worker share this".to_vec().into()];
        let settings = MerchantWebhookSettings { url, secrets, timeout: Duration::from_secs(10), concurrency: 4 };
        Self { heard, webhook: MerchantWebhook::new(settings).unwrap() }
    }

    pub(crate) fn channel(&self) -> Channel {
        Channel::MerchantWebhook(self.webhook.clone())
    }

    /// A new life of the process that tells.
    pub(crate) fn burns(&self, fuse: &Fuse) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).fuse = fuse.clone();
    }

    /// What was told since the last time, by `webhook-id`.
    pub(crate) fn take_heard(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner).times)
    }
}

async fn hear(State(heard): State<Arc<Mutex<Heard>>>, headers: HeaderMap) {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let fuse = {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard.times.entry(id).or_default() += 1;
        heard.fuse.clone()
    };
    fuse.step().await;
}
