//! Airalo's Partner API v2: tokens, orders, eSIMs and their usage. What it pushes is in [`notify`].

pub mod notify;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Asked, Reply, Speaks};
use super::limits::{Limit, Limits};
use super::lock;
use notify::Notification;

pub const CLIENT_ID: &str = "airalo-client-id";
/// Signs what is pushed, too.
pub const CLIENT_SECRET: &str = "airalo-client-secret";

const TOKENS: Limit = Limit::per_minute(3);
const USAGE_OF_COMPANY: Limit = Limit::per_second(5);
const USAGE_OF_ICCID: Limit = Limit::per_minute(10);
const PER_PAGE: usize = 25;

/// The reseller's account.
#[derive(Debug)]
pub struct Account {
    pub orders: BTreeMap<u64, Order>,
    /// By ICCID.
    pub usage: BTreeMap<String, Usage>,
    /// What tokens that are issued from now on live for.
    pub token_lifetime: Duration,
    pub notifications: Vec<Notification>,
    tokens: BTreeMap<String, Instant>,
    tokens_issued: usize,
    limits: Limits,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub id: u64,
    pub code: String,
    pub description: Option<String>,
    /// `sim` or `topup`.
    pub kind: String,
    pub package_id: String,
    pub package: String,
    pub quantity: u32,
    pub validity_days: u32,
    /// With two decimals.
    pub price: String,
    pub data: String,
    pub created_at: String,
    /// `completed`, `failed`, `partially_refunded` or `refunded`.
    pub status: String,
    pub sims: Vec<Sim>,
}

#[derive(Debug, Clone)]
pub struct Sim {
    pub id: u64,
    pub iccid: String,
    pub matching_id: String,
    pub recycled_at: Option<String>,
}

/// Megabytes, as the documents call them.
#[derive(Debug, Clone)]
pub struct Usage {
    pub remaining: u64,
    pub total: u64,
    pub expired_at: Option<String>,
    pub is_unlimited: Option<bool>,
    /// `NOT_ACTIVE`, `ACTIVE`, `FINISHED`, `UNKNOWN`, `EXPIRED` or `RECYCLED`.
    pub status: String,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            orders: BTreeMap::new(),
            usage: BTreeMap::new(),
            token_lifetime: Duration::from_secs(24 * 60 * 60),
            notifications: Vec::new(),
            tokens: BTreeMap::new(),
            tokens_issued: 0,
            limits: Limits::default(),
        }
    }
}

impl Order {
    /// A completed order of one data package for every eSIM.
    pub fn completed(id: u64, description: &str, sims: Vec<Sim>) -> Self {
        Self {
            id,
            code: format!("20230227-{id:06}"),
            description: Some(description.to_owned()),
            kind: "sim".to_owned(),
            package_id: "kallur-digital-7days-1gb".to_owned(),
            package: "Kallur Digital-1 GB - 7 Days".to_owned(),
            quantity: u32::try_from(sims.len()).unwrap_or(u32::MAX),
            validity_days: 7,
            price: "9.50".to_owned(),
            data: "1 GB".to_owned(),
            created_at: "2023-02-27 08:30:14".to_owned(),
            status: "completed".to_owned(),
            sims,
        }
    }

    /// As orders are read: quantity is a number, validity and price are strings.
    fn read(&self, include: &[&str]) -> Value {
        let mut order = json!({
            "id": self.id,
            "created_at": self.created_at,
            "code": self.code,
            "description": self.description,
            "type": self.kind,
            "package_id": self.package_id,
            "quantity": self.quantity,
            "package": self.package,
            "esim_type": "Prepaid",
            "validity": self.validity_days.to_string(),
            "price": self.price,
            "data": self.data,
            "currency": "USD",
            "manual_installation": "<p><b>eSIM name: </b>Kallur Digital</p>",
            "qrcode_installation": "<p><b>eSIM name: </b>Kallur Digital</p>",
            "installation_guides": { "en": "https://sandbox.airalo.com/installation-guide" },
        });
        if include.contains(&"sims") {
            order["sims"] = self.sims.iter().map(|sim| sim.read(&self.created_at)).collect();
        }
        if include.contains(&"user") {
            order["user"] = json!({ "id": 120, "name": "User Name", "email": "shop@example.com", "mobile": null });
        }
        if include.contains(&"status") {
            order["status"] = json!({ "name": capitalised(&self.status), "slug": self.status });
        }
        order
    }
}

impl Sim {
    pub fn new(id: u64, iccid: &str, matching_id: &str) -> Self {
        Self { id, iccid: iccid.to_owned(), matching_id: matching_id.to_owned(), recycled_at: None }
    }

    /// `lpa` is the SM-DP+ host alone; the activation string is `qrcode`.
    fn read(&self, created_at: &str) -> Value {
        json!({
            "id": self.id,
            "created_at": created_at,
            "iccid": self.iccid,
            "lpa": "lpa.airalo.com",
            "imsis": null,
            "matching_id": self.matching_id,
            "qrcode": format!("LPA:1$lpa.airalo.com${}", self.matching_id),
            "qrcode_url": format!("https://sandbox.airalo.com/qr?expires=1763820595&id={}", self.id),
            "airalo_code": null,
            "apn_type": "automatic",
            "apn_value": null,
            "is_roaming": true,
            "confirmation_code": null,
        })
    }
}

impl Usage {
    pub fn active(remaining: u64, total: u64, expired_at: &str) -> Self {
        let status = "ACTIVE".to_owned();
        Self { remaining, total, expired_at: Some(expired_at.to_owned()), is_unlimited: Some(false), status }
    }
}

impl Speaks for Account {
    async fn answer(account: &Mutex<Self>, asked: &Asked) -> Reply {
        let (method, path) = asked.operation();
        if (method, path.as_slice()) == ("POST", &["v2", "token"]) {
            return lock(account).token(asked);
        }
        if !lock(account).knows(asked) {
            return failure(401, &json!([]), "This access token is invalid");
        }
        match (method, path.as_slice()) {
            ("GET", ["v2", "orders"]) => lock(account).orders(asked),
            ("GET", ["v2", "orders", id]) => lock(account).order(id, asked),
            ("GET", ["v2", "sims", iccid]) => lock(account).sim(iccid, asked),
            ("GET", ["v2", "sims", iccid, "usage"]) => lock(account).usage(iccid, asked),
            ("GET", ["v2", "notifications", "opt-in"]) => lock(account).notification(),
            ("POST", ["v2", "notifications", "opt-in"]) => notify::opt_in(account, asked).await,
            ("POST", ["v2", "notifications", "opt-out"]) => lock(account).opt_out(asked),
            ("POST", ["v2", "simulator", "webhook"]) => notify::simulate(account, asked).await,
            _ => not_found(),
        }
    }
}

impl Account {
    /// Every token that was issued is worth nothing any more.
    pub fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    fn token(&mut self, asked: &Asked) -> Reply {
        if let Err(exceeded) = self.limits.admit(asked.at, &[("token", TOKENS)]) {
            return Reply::too_many(exceeded, &json!({ "message": "Too Many Attempts." }));
        }
        let is_right = |name, expected| asked.field(name).is_some_and(|given| given == expected);
        if !is_right("grant_type", "client_credentials") {
            return invalid(&json!({ "grant_type": "The selected grant type is invalid." }));
        }
        if !is_right("client_id", CLIENT_ID) {
            return invalid(&json!({ "client_id": "The selected client id is invalid." }));
        }
        if !is_right("client_secret", CLIENT_SECRET) {
            return failure(401, &json!([]), "Client authentication failed");
        }
        self.tokens_issued += 1;
        let token = format!("token-{}", self.tokens_issued);
        self.tokens.insert(token.clone(), asked.at + self.token_lifetime);
        let expires_in = self.token_lifetime.as_secs();
        success(&json!({ "token_type": "Bearer", "expires_in": expires_in, "access_token": token }), "success")
    }

    fn knows(&self, asked: &Asked) -> bool {
        let until = asked.bearer().and_then(|token| self.tokens.get(token));
        until.is_some_and(|until| asked.at < *until)
    }

    fn order(&self, id: &str, asked: &Asked) -> Reply {
        let order = id.parse().ok().and_then(|id: u64| self.orders.get(&id));
        let include = asked.parameter("include").unwrap_or_default();
        order.map_or_else(not_found, |order| success(&order.read(&parts(&include)), "success"))
    }

    /// Newest first.
    fn orders(&self, asked: &Asked) -> Reply {
        let number = |name, default| asked.parameter(name).map_or(Ok(default), |text| text.parse::<usize>());
        let (Ok(limit @ 1..), Ok(page @ 1..)) = (number("limit", PER_PAGE), number("page", 1)) else {
            let message = json!({ "limit": "The limit must be an integer.", "page": "The page must be an integer." });
            return invalid(&message);
        };
        let include = asked.parameter("include").unwrap_or_default();
        let found: Vec<_> = self.orders.values().rev().filter(|order| matches(order, asked)).collect();
        let shown = found.iter().skip((page - 1) * limit).take(limit);
        let data: Vec<_> = shown.map(|order| order.read(&parts(&include))).collect();
        let last_page = found.len().div_ceil(limit).max(1);
        let link = |page: usize| format!("https://partners-api.airalo.com/v2/orders?limit={limit}&page={page}");
        let body = json!({
            "data": data,
            "meta": {
                "message": "success",
                "current_page": page,
                "last_page": last_page,
                "path": "https://partners-api.airalo.com/v2/orders",
                "per_page": limit.to_string(),
                "total": found.len(),
            },
            "links": {
                "first": link(1),
                "last": link(last_page),
                "prev": (page > 1).then(|| link(page - 1)),
                "next": (page < last_page).then(|| link(page + 1)),
            },
        });
        Reply::json(200, &body)
    }

    fn sim(&self, iccid: &str, asked: &Asked) -> Reply {
        let found = self.orders.values().find_map(|order| {
            let sim = order.sims.iter().find(|sim| sim.iccid == iccid)?;
            Some((order, sim))
        });
        let Some((order, sim)) = found else { return not_found() };
        let include = asked.parameter("include").unwrap_or_default();
        let mut data = sim.read(&order.created_at);
        data["recycled"] = json!(sim.recycled_at.is_some());
        data["recycled_at"] = json!(sim.recycled_at);
        if parts(&include).contains(&"order") {
            let of_order: Vec<_> = parts(&include).iter().filter_map(|part| part.strip_prefix("order.")).collect();
            data["simable"] = order.read(&of_order);
        }
        success(&data, "succes")
    }

    fn usage(&mut self, iccid: &str, asked: &Asked) -> Reply {
        let limits = [("usage", USAGE_OF_COMPANY), (&format!("usage of {iccid}"), USAGE_OF_ICCID)];
        let standing = match self.limits.admit(asked.at, &limits) {
            Ok(standing) => standing,
            Err(exceeded) => {
                let reply = Reply::too_many(exceeded, &json!({ "message": "Too Many Attempts." }));
                let reset = chrono::Utc::now().timestamp() + exceeded.retry_after_seconds.cast_signed();
                let reply = reply.with("x-ratelimit-limit", exceeded.limit).with("x-ratelimit-remaining", 0);
                return reply.with("x-ratelimit-reset", reset);
            }
        };
        let Some(usage) = self.usage.get(iccid) else { return not_found().with_standing(standing) };
        let is_unlimited = usage.is_unlimited == Some(true);
        let data = json!({
            "remaining": if is_unlimited { 0 } else { usage.remaining },
            "total": if is_unlimited { 0 } else { usage.total },
            "expired_at": usage.expired_at,
            "is_unlimited": usage.is_unlimited,
            "status": usage.status,
            "remaining_voice": 0,
            "remaining_text": 0,
            "total_voice": 0,
            "total_text": 0,
        });
        success(&data, "api.succes").with_standing(standing)
    }
}

/// Whether all filters let the order through; those on texts are LIKE searches.
fn matches(order: &Order, asked: &Asked) -> bool {
    let holds = |name: &str, test: &dyn Fn(&str) -> bool| {
        asked.parameter(&format!("filter[{name}]")).is_none_or(|given| test(&given.to_lowercase()))
    };
    let description = order.description.as_deref().unwrap_or_default().to_lowercase();
    holds("description", &|given| description.contains(given))
        && holds("code", &|given| order.code.contains(given))
        && holds("iccid", &|given| order.sims.iter().any(|sim| sim.iccid.contains(given)))
        && holds("order_status", &|given| order.status == given)
}

fn parts(include: &str) -> Vec<&str> {
    include.split(',').map(str::trim).collect()
}

fn capitalised(slug: &str) -> String {
    let name = slug.replace('_', " ");
    name[..1].to_uppercase() + &name[1..]
}

fn success(data: &Value, message: &str) -> Reply {
    Reply::json(200, &json!({ "data": data, "meta": { "message": message } }))
}

fn failure(status: u16, data: &Value, message: &str) -> Reply {
    Reply::json(status, &json!({ "data": data, "meta": { "message": message } }))
}

fn invalid(data: &Value) -> Reply {
    failure(422, data, "the parameter is invalid")
}

fn not_found() -> Reply {
    failure(404, &json!([]), "messages.resource_not_found")
}
