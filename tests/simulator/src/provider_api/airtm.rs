//! Airtm's two APIs: V1's operations, and V2's pay-ins and pay-outs. Both tell of the same payments.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Mutex;

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde_json::{Number, Value, json};
use uuid::Uuid;

use super::http::{Asked, Reply, Speaks};
use super::limits::{Limit, Limits};
use super::lock;

/// What [`Simulated::base_url`](super::Simulated::base_url) is followed by in V2; in V1 by nothing.
pub const V2_BASE_PATH: &str = "/v2";
pub const API_KEY: &str = "airtm-api-key";
pub const API_SECRET: &str = "airtm-api-secret";

const REQUESTS: Limit = Limit::per_second(10);
const NO_SUCH_OPERATION: u32 = 352_015;

/// The partner's account.
#[derive(Debug, Default)]
pub struct Account {
    pub payments: BTreeMap<Uuid, Payment>,
    limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A purchase, in V1's words.
    Payin,
    Payout,
}

#[derive(Debug, Clone)]
pub struct Payment {
    pub id: Uuid,
    pub direction: Direction,
    /// In lower case, as callbacks write it; the APIs answer in upper case.
    pub status: String,
    pub amount: Decimal,
    pub code: Option<String>,
    pub email: Option<String>,
    pub failure_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Payment {
    pub fn new(id: Uuid, direction: Direction, status: &str, amount: Decimal) -> Self {
        Self {
            id,
            direction,
            status: status.to_owned(),
            amount,
            code: None,
            email: None,
            failure_reason: None,
            created_at: Utc::now(),
            updated_at: Utc::now(),
        }
    }

    /// V1, in snake case.
    fn operation(&self) -> Value {
        let mut operation = json!({
            "id": self.id,
            "code": self.code,
            "amount": number(self.amount),
            "status": self.status.to_uppercase(),
            "cancel_uri": "https://shop.example.com/cancel",
            "created_at": written(self.created_at),
            "partner_id": "3b6a9d5c-6f3e-4d0c-9c39-2f8e3e1f7a10",
            "updated_at": written(self.updated_at),
            "description": "An eSIM",
            "failure_uri": "https://shop.example.com/failure",
            "airtm_user_id": null,
            "failure_reason": self.failure_reason,
            "operation_type": if self.direction == Direction::Payin { "purchase" } else { "payout" },
            "airtm_user_email": self.email,
            "confirmation_uri": "https://shop.example.com/confirmation",
            "airtm_operation_id": self.id,
        });
        if self.direction == Direction::Payin {
            operation["callback_uri"] = json!("https://shop.example.com/callback");
            operation["airtm_operation_hash"] = json!("1DF5PR42E2CPB2E8");
        }
        operation
    }

    /// V2, in camel case.
    fn payin(&self) -> Value {
        json!({
            "id": self.id,
            "code": self.code,
            "hash": "1DF5PR42E2CPB2E8",
            "status": self.status.to_uppercase(),
            "amount": number(self.amount),
            "netAmount": number(self.amount),
            "airtmFee": 0,
            "description": "An eSIM",
            "items": [],
            "airtmUserId": null,
            "airtmUserEmail": self.email,
            "failureReason": self.failure_reason,
            "createdAt": written(self.created_at),
            "updatedAt": written(self.updated_at),
            "confirmationUri": "https://shop.example.com/confirmation",
            "cancelUri": "https://shop.example.com/cancel",
        })
    }

    /// V2, in camel case.
    fn payout(&self) -> Value {
        json!({
            "id": self.id,
            "bulkPayoutId": null,
            "hash": "1DF5PR42E2CPB2E8",
            "code": self.code,
            "airtmUserId": null,
            "airtmUserEmail": self.email,
            "requireIdVerified": false,
            "notes": null,
            "internalNote": null,
            "status": self.status.to_uppercase(),
            "grossAmount": number(self.amount),
            "amount": number(self.amount),
            "netAmount": number(self.amount),
            "airtmFee": 0,
            "enterpriseFee": 0,
            "reasonCode": null,
            "reasonDescription": self.failure_reason,
            "createdAt": written(self.created_at),
            "updatedAt": written(self.updated_at),
        })
    }
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn number(amount: Decimal) -> Number {
    Number::from_str(&amount.to_string()).unwrap_or_else(|_no_digits| 0.into())
}

impl Speaks for Account {
    async fn answer(account: &Mutex<Self>, asked: &Asked) -> Reply {
        let is_known = asked.basic().is_some_and(|(key, secret)| key == API_KEY && secret == API_SECRET);
        if !is_known {
            return failure(401, 401, "Unauthorized");
        }
        let mut account = lock(account);
        let (method, path) = asked.operation();
        let generation = if path.first() == Some(&"v2") { "v2" } else { "v1" };
        if let Err(exceeded) = account.limits.admit(asked.at, &[(generation, REQUESTS)]) {
            return Reply::too_many(exceeded, &json!({ "code": 429, "message": "Too Many Requests", "data": null }));
        }
        let is_payin = |payment: &&Payment| payment.direction == Direction::Payin;
        let is_payout = |payment: &&Payment| payment.direction == Direction::Payout;
        let found = match (method, path.as_slice()) {
            ("GET", ["operations", id]) => match id.parse() {
                Ok(id) => account.payments.get::<Uuid>(&id).map(Payment::operation),
                Err(_) => return failure(422, 422, "id must be a UUID"),
            },
            ("GET", ["v2", "payins", "by-code", code]) => account.by_code(code).filter(is_payin).map(Payment::payin),
            ("GET", ["v2", "payouts", "by-code", code]) => account.by_code(code).filter(is_payout).map(Payment::payout),
            ("GET", ["v2", "payins", id]) => account.by_id(id).filter(is_payin).map(Payment::payin),
            ("GET", ["v2", "payouts", id]) => account.by_id(id).filter(is_payout).map(Payment::payout),
            _ => return failure(404, 404, "Not Found"),
        };
        found.map_or_else(|| failure(404, NO_SUCH_OPERATION, "Operation not found"), |found| Reply::json(200, &found))
    }
}

impl Account {
    fn by_id(&self, id: &str) -> Option<&Payment> {
        self.payments.get(&id.parse().ok()?)
    }

    fn by_code(&self, code: &str) -> Option<&Payment> {
        self.payments.values().find(|payment| payment.code.as_deref() == Some(code))
    }
}

fn failure(status: u16, code: u32, message: &str) -> Reply {
    Reply::json(status, &json!({ "code": code, "message": message, "data": null }))
}
