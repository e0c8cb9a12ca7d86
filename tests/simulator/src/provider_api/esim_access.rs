//! eSIM Access' API: queries for eSIMs and their usage, and the webhook's URL. Its errors come in an envelope.

use std::collections::BTreeMap;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::http::{Asked, Reply, Speaks};
use super::limits::{Limit, Limits};
use super::lock;
use crate::client::http_client;

/// What [`Simulated::base_url`](super::Simulated::base_url) is followed by.
pub const BASE_PATH: &str = "/api/v1/open";
pub const ACCESS_CODE: &str = "esim-access-code";
pub const SECRET_KEY: &str = "esim-access-secret-key";

const REQUESTS: Limit = Limit::per_second(8);
const TIMESTAMP_SKEW: TimeDelta = TimeDelta::minutes(5);
const USAGES_MAX: usize = 10;

const HEADER_MISSING: &str = "000101";
const NO_JSON: &str = "000103";
const EXPIRED: &str = "101001";
const SIGNATURE: &str = "101003";
const PARAMETERS: &str = "200008";
pub const ALLOCATING: &str = "200010";
const UNKNOWN_ORDER: &str = "310272";
pub const BUSY: &str = "900001";

/// The shop's account.
#[derive(Debug, Default)]
pub struct Account {
    /// By `orderNo`.
    pub orders: BTreeMap<String, Order>,
    /// Whether the access code alone opens nothing.
    pub signed_only: bool,
    /// The envelope as the documents write it (`success` a string, `errorMessage`, `errorCode` null) and not as it was
    /// seen live (`success` a boolean, `errorMsg`, `errorCode` "0").
    pub as_documented: bool,
    pub webhook: Option<String>,
    limits: Limits,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub order_no: String,
    pub transaction_id: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Until the profiles are there, a query ends in 200010.
    pub allocating: bool,
    pub esims: Vec<Esim>,
}

#[derive(Debug, Clone)]
pub struct Esim {
    pub esim_tran_no: String,
    pub iccid: String,
    /// The full activation code.
    pub ac: String,
    pub smdp_status: String,
    pub esim_status: String,
    /// Empty if there is none.
    pub eid: String,
    pub activate_time: Option<DateTime<Utc>>,
    pub expired_time: DateTime<Utc>,
    /// Bytes.
    pub total_volume: u64,
    pub order_usage: u64,
    pub usage_at: DateTime<Utc>,
    pub total_duration_days: u32,
}

impl Order {
    pub fn new(order_no: &str, esims: Vec<Esim>) -> Self {
        let (order_no, created_at) = (order_no.to_owned(), Utc::now());
        Self { order_no, transaction_id: None, created_at, allocating: false, esims }
    }
}

impl Esim {
    /// Allocated, not downloaded, 1 GiB for 7 days.
    pub fn allocated(esim_tran_no: &str, iccid: &str, ac: &str) -> Self {
        Self {
            esim_tran_no: esim_tran_no.to_owned(),
            iccid: iccid.to_owned(),
            ac: ac.to_owned(),
            smdp_status: "RELEASED".to_owned(),
            esim_status: "GOT_RESOURCE".to_owned(),
            eid: String::new(),
            activate_time: None,
            expired_time: Utc::now() + TimeDelta::days(180),
            total_volume: 1 << 30,
            order_usage: 0,
            usage_at: Utc::now(),
            total_duration_days: 7,
        }
    }

    fn read(&self, order: &Order) -> Value {
        json!({
            "esimTranNo": self.esim_tran_no,
            "orderNo": order.order_no,
            "transactionId": order.transaction_id,
            "imsi": "454006109846571",
            "iccid": self.iccid,
            "msisdn": "",
            "smsStatus": 0,
            "ac": self.ac,
            "qrCodeUrl": format!("https://p.qrsim.net/{}.png", self.esim_tran_no),
            "shortUrl": format!("https://p.qrsim.net/{}", self.esim_tran_no),
            "smdpStatus": self.smdp_status,
            "eid": self.eid,
            "activeType": 2,
            "dataType": 1,
            "activateTime": self.activate_time.map(written),
            "expiredTime": written(self.expired_time),
            "totalVolume": self.total_volume,
            "totalDuration": self.total_duration_days,
            "durationUnit": "DAY",
            "orderUsage": self.order_usage,
            "esimStatus": self.esim_status,
            "pin": "",
            "puk": "",
            "apn": "drei.at",
            "packageList": [{
                "packageName": "Japan 1GB 7Days",
                "packageCode": "CKH491",
                "slug": "JP_1_7",
                "duration": self.total_duration_days,
                "volume": self.total_volume,
                "locationCode": "JP",
                "createTime": written(order.created_at),
            }],
        })
    }
}

/// With an offset that has no colon.
fn written(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// Lower-case hex over the four, one after the other; upper case is accepted too.
pub fn sign(secret_key: &str, timestamp: &str, request_id: &str, access_code: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret_key.as_bytes()).expect("an HMAC takes a key of any length");
    for part in [timestamp.as_bytes(), request_id.as_bytes(), access_code.as_bytes(), body] {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}

impl Speaks for Account {
    async fn answer(account: &Mutex<Self>, asked: &Asked) -> Reply {
        if let Err(refusal) = lock(account).admit(asked) {
            return refusal;
        }
        let operation = asked.path.strip_prefix(BASE_PATH).filter(|_| asked.method == "POST");
        let Some(body) = asked.json() else { return lock(account).failure(NO_JSON, "request body is no JSON") };
        match operation {
            Some("/esim/query") => lock(account).query(&body),
            Some("/esim/usage/query") => lock(account).usage(&body),
            Some("/webhook/query") => lock(account).registered(),
            Some("/webhook/save") => register(account, &body).await,
            _ => Reply::json(404, &json!({ "status": 404, "error": "Not Found", "path": asked.path })),
        }
    }
}

/// Saves the URL only if it stands the test.
async fn register(account: &Mutex<Account>, body: &Value) -> Reply {
    let Some(url) = body["webhook"].as_str() else { return lock(account).failure(PARAMETERS, "no webhook") };
    let content = json!({ "orderNo": "1234567890", "orderStatus": "Test" });
    let test = json!({ "notifyType": "CHECK_HEALTH", "content": content });
    let Ok(client) = http_client() else { return Reply::empty(500) };
    let answer = client.post(url).json(&test).send().await;
    let mut account = lock(account);
    if !answer.is_ok_and(|answer| answer.status() == 200) {
        return account.failure(PARAMETERS, "the webhook does not answer 200");
    }
    account.webhook = Some(url.to_owned());
    account.success(&json!({}))
}

impl Account {
    fn admit(&mut self, asked: &Asked) -> Result<(), Reply> {
        self.authenticate(asked).map_err(|(code, message)| self.failure(code, message))?;
        self.limits.admit(asked.at, &[("", REQUESTS)]).map(|_| ()).map_err(|exceeded| {
            let body = self.envelope(false, BUSY, "The system is busy, please try again later", &Value::Null);
            Reply::too_many(exceeded, &body)
        })
    }

    /// The access code alone, or a signature over timestamp, request id, access code and body.
    fn authenticate(&self, asked: &Asked) -> Result<(), (&'static str, &'static str)> {
        let access_code = asked.header("RT-AccessCode").ok_or((HEADER_MISSING, "RT-AccessCode is missing"))?;
        if access_code != ACCESS_CODE {
            return Err((SIGNATURE, "RT-AccessCode is unknown"));
        }
        let Some(signature) = asked.header("RT-Signature") else {
            return if self.signed_only { Err((HEADER_MISSING, "RT-Signature is missing")) } else { Ok(()) };
        };
        let request_id = asked.header("RT-RequestID").ok_or((HEADER_MISSING, "RT-RequestID is missing"))?;
        if Uuid::parse_str(request_id).map_or(0, |id| id.get_version_num()) != 4 {
            return Err((HEADER_MISSING, "RT-RequestID is no UUID v4"));
        }
        let timestamp = asked.header("RT-Timestamp").ok_or((HEADER_MISSING, "RT-Timestamp is missing"))?;
        let time = timestamp.parse().ok().and_then(DateTime::from_timestamp_millis);
        if time.is_none_or(|time| (Utc::now() - time).abs() > TIMESTAMP_SKEW) {
            return Err((EXPIRED, "timestamp expired"));
        }
        let expected = sign(SECRET_KEY, timestamp, request_id, access_code, &asked.body);
        let is_right = signature.to_lowercase() == expected;
        if is_right { Ok(()) } else { Err((SIGNATURE, "signature does not match")) }
    }

    fn query(&self, body: &Value) -> Reply {
        let Some((number, size)) = pager(&body["pager"]) else {
            return self.failure(PARAMETERS, "pager is missing or out of bounds");
        };
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
        let (order_no, iccid, tran_no) = (text("orderNo"), text("iccid"), text("esimTranNo"));
        let span = text("startTime").zip(text("endTime"));
        if order_no.is_none() && iccid.is_none() && tran_no.is_none() && span.is_none() {
            return self.failure(PARAMETERS, "nothing is asked for");
        }
        let Ok(span) = span.map(|(start, end)| Ok::<_, ()>((instant(start)?, instant(end)?))).transpose() else {
            return self.failure(PARAMETERS, "startTime or endTime is no time");
        };
        if let Some(order_no) = order_no {
            let Some(order) = self.orders.get(order_no) else {
                return self.failure(UNKNOWN_ORDER, "orderNo does not exist");
            };
            if order.allocating {
                return self.failure(ALLOCATING, "profiles are being allocated, please try again later");
            }
        }
        let is_asked = |order: &Order, esim: &Esim| {
            !order.allocating
                && order_no.is_none_or(|order_no| order.order_no == order_no)
                && iccid.is_none_or(|iccid| esim.iccid == iccid)
                && tran_no.is_none_or(|tran_no| esim.esim_tran_no == tran_no)
                && span.is_none_or(|(start, end)| (start..=end).contains(&order.created_at))
        };
        let all = self.orders.values().flat_map(|order| order.esims.iter().map(move |esim| (order, esim)));
        let found: Vec<_> = all.filter(|(order, esim)| is_asked(order, esim)).collect();
        let page = found.iter().skip((number - 1) * size).take(size);
        let list: Vec<_> = page.map(|(order, esim)| esim.read(order)).collect();
        let pager = json!({ "pageSize": size, "pageNum": number, "total": found.len() });
        self.success(&json!({ "esimList": list, "pager": pager }))
    }

    fn usage(&self, body: &Value) -> Reply {
        let asked = body["esimTranNoList"].as_array().filter(|list| (1..=USAGES_MAX).contains(&list.len()));
        let Some(asked) = asked else { return self.failure(PARAMETERS, "esimTranNoList must hold one to ten") };
        let esims = self.orders.values().flat_map(|order| &order.esims);
        let known = esims.filter(|esim| asked.iter().any(|tran_no| *tran_no == esim.esim_tran_no));
        let list: Vec<_> = known
            .map(|esim| {
                json!({
                    "esimTranNo": esim.esim_tran_no,
                    "dataUsage": esim.order_usage,
                    "totalData": esim.total_volume,
                    "lastUpdateTime": written(esim.usage_at),
                })
            })
            .collect();
        self.success(&json!({ "esimUsageList": list }))
    }

    fn registered(&self) -> Reply {
        self.success(&json!({ "webhook": self.webhook }))
    }

    fn success(&self, obj: &Value) -> Reply {
        Reply::json(200, &self.envelope(true, "0", "", obj))
    }

    /// An error as this account writes it.
    pub fn failure(&self, code: &str, message: &str) -> Reply {
        Reply::json(200, &self.envelope(false, code, message, &Value::Null))
    }

    fn envelope(&self, success: bool, code: &str, message: &str, obj: &Value) -> Value {
        let message = (!message.is_empty()).then_some(message);
        if self.as_documented {
            let code = (!success).then_some(code);
            json!({ "success": success.to_string(), "errorCode": code, "errorMessage": message, "obj": obj })
        } else {
            json!({ "success": success, "errorCode": code, "errorMsg": message, "obj": obj })
        }
    }
}

/// Number and size, within their bounds.
fn pager(pager: &Value) -> Option<(usize, usize)> {
    let number = |name: &str| pager[name].as_u64().and_then(|number| usize::try_from(number).ok());
    let (number, size) = (number("pageNum")?, number("pageSize")?);
    ((1..=10_000).contains(&number) && (5..=500).contains(&size)).then_some((number, size))
}

/// As queries write times: without seconds.
fn instant(text: &str) -> Result<DateTime<Utc>, ()> {
    let time = DateTime::parse_from_str(&format!("{text} 00"), "%Y-%m-%dT%H:%M%:z %S");
    time.map(|time| Utc.from_utc_datetime(&time.naive_utc())).or(Err(()))
}
