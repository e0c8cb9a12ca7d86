//! SimplifyTrip: orders of eSIMs and of physical SIMs, and returns, each in a signed envelope.
//!
//! Documented: the envelope, its modes, the four types, the words of each status. Assumed: that `id` is the same in each
//! attempt and `sentDate` is the attempt's; and what a failed order says (`status: "FAIL"`, a field `error`, as the API's
//! order has it). `REQUESTED` is the API's word for a return.

use samples::Source;
use serde_json::{Value as Json, json};

use super::{Standing, amount, millis, number, rank};
use crate::event::{Body, Entity, Inbox, Meaning, Said, Table, Time};

/// What is around each of its messages.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub id: String,
    /// By the provider's clock, which is off by `skew`.
    pub created_at: Time,
    pub skew: chrono::TimeDelta,
    pub is_test: bool,
}

impl Envelope {
    pub fn body(&self, kind: &str, data: Json) -> Body {
        let body = json!({
            "id": self.id,
            "sentDate": null,
            "createdAt": millis(self.created_at),
            "mode": if self.is_test { "TEST_MODE" } else { "LIVE_MODE" },
            "type": kind,
            "data": data,
        });
        Body::Dated { body, skew: self.skew }
    }

    fn inbox(&self, order_ref: &str, esim_ref: Option<String>) -> Inbox {
        Inbox {
            order_ref: Some(order_ref.to_owned()),
            esim_ref,
            provider_event_id: Some(self.id.clone()),
            occurred_at: Some(self.created_at),
            is_test: self.is_test,
            ..Inbox::default()
        }
    }
}

#[derive(Debug, Clone)]
pub struct Esim {
    pub iccid: String,
    pub matching_id: String,
}

impl Esim {
    /// What the picture shows that a customer scans.
    pub fn activation_code(&self) -> String {
        format!("LPA:1$SECSMSMINIAPP.EASTCOMPEACE.COM${}", self.matching_id)
    }

    fn fields(&self) -> Json {
        json!({
            "qrCodeContent": self.activation_code(),
            "qrCodeImg": format!("https://files.simplifytrip.com/{}.png", self.matching_id.to_lowercase()),
            "iccid": self.iccid,
            "planAPN": "plus.4g",
            "smdpAddress": "SECSMSMINIAPP.EASTCOMPEACE.COM",
            "pin": "1234",
            "puk": "15095300",
            // In the documents' sample this is another code than the one in `qrCodeContent`.
            "activationCode": self.matching_id,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Success,
    Fail {
        reason: &'static str,
    },
    /// Of a physical SIM, in SimplifyTrip's word.
    Update(&'static str),
}

#[derive(Debug, Clone)]
pub struct Order {
    pub order_id: String,
    pub track_id: String,
    pub sub_order_id: String,
    pub sub_track_id: String,
    pub sku: &'static str,
    pub quantity: u64,
    pub esims: Vec<Esim>,
}

impl Order {
    pub fn body(&self, envelope: &Envelope, step: &Step) -> Body {
        let (kind, status) = match step {
            Step::Success => ("PURCHASE_ORDER_SUCCESS", "SUCCESS"),
            Step::Fail { .. } => ("PURCHASE_ORDER_FAIL", "FAIL"),
            Step::Update(status) => ("PURCHASE_ORDER_UPDATE", *status),
        };
        let mut item = json!({
            "subOrderId": self.sub_order_id,
            "subTrackId": self.sub_track_id,
            "sku": self.sku,
            "quantity": self.quantity,
            "type": if matches!(step, Step::Update(_)) { "SIM" } else { "eSIM" },
            "status": status,
        });
        match step {
            Step::Success => item["eSims"] = self.esims.iter().map(Esim::fields).collect(),
            Step::Fail { .. } => item["eSims"] = json!([]),
            Step::Update(_) => {}
        }
        let mut data = json!({ "orderId": self.order_id, "trackId": self.track_id, "status": status });
        if let Step::Fail { reason } = step {
            data["error"] = (*reason).into();
        }
        data["items"] = json!([item]);
        envelope.body(kind, data)
    }

    pub fn meaning(&self, envelope: &Envelope, step: &Step) -> Meaning {
        let (entity, at) =
            (Entity::new(Source::SimplifyTrip, Table::Orders, &self.order_id), Some(envelope.created_at));
        let (status, word, reason) = match step {
            Step::Success => ("completed", "SUCCESS", None),
            Step::Fail { reason } => ("failed", "FAIL", Some(*reason)),
            Step::Update(word) => (update(word), *word, None),
        };
        let standing = Standing { reason, ..Standing::of_order(Some(status), word, at) };
        let product = if matches!(step, Step::Update(_)) { "physical_sim" } else { "esim" };
        let mut said = standing.said(&entity);
        said.extend([
            Said::new(&entity, "product", product, at),
            Said::new(&entity, "package_code", self.sku, at),
            Said::new(&entity, "quantity", self.quantity, at),
            Said::new(&entity, "track_ref", &self.track_id, at),
        ]);
        if *step == Step::Success {
            said.extend(self.esims.iter().flat_map(|esim| self.say_esim(esim, at)));
        }
        Meaning { said, ..Meaning::default() }
    }

    fn say_esim(&self, esim: &Esim, at: Option<Time>) -> Vec<Said> {
        let entity = Entity::new(Source::SimplifyTrip, Table::Esims, &esim.iccid);
        vec![
            Said::new(&entity, "order_ref", &self.order_id, at),
            Said::new(&entity, "iccid", &esim.iccid, at),
            Said::new(&entity, "plan_status", "allocated", at).ranked(rank("plan", "allocated")),
            Said::new(&entity, "activation_code", &esim.activation_code(), at),
        ]
    }

    pub fn inbox(&self, envelope: &Envelope, step: &Step) -> Inbox {
        let esim_ref = match (step, self.esims.as_slice()) {
            (Step::Success, [esim]) => Some(esim.iccid.clone()),
            _ => None,
        };
        envelope.inbox(&self.order_id, esim_ref)
    }
}

/// "NEW | CONFIRMED | DELIVERING | SUCCESS | CANCELED"
fn update(word: &str) -> &'static str {
    match word {
        "CONFIRMED" => "processing",
        "DELIVERING" => "shipping",
        "SUCCESS" => "completed",
        "CANCELED" => "cancelled",
        _ => "pending",
    }
}

#[derive(Debug, Clone)]
pub struct Return {
    pub id: String,
    pub requested_at: Time,
    pub order_id: String,
    /// Of the return, not of the order.
    pub track_id: String,
    pub reason: &'static str,
    pub is_full: bool,
    /// As it is written.
    pub refund: &'static str,
    pub sku: &'static str,
}

impl Return {
    pub fn body(&self, envelope: &Envelope, status: &str) -> Body {
        let data = json!({
            "id": self.id,
            "createdAt": millis(self.requested_at),
            "orderId": self.order_id,
            "trackId": self.track_id,
            "status": status,
            "reason": self.reason,
            "returnType": if self.is_full { "FULL" } else { "PARTIAL" },
            "refundAmount": number(self.refund),
            "items": [{
                "productName": "Southeast Asia SIM (7 countries), data-only (Unlimited Data/day - 3 days)",
                "sku": self.sku,
                "quantity": 1,
                "type": "SIM",
            }],
        });
        envelope.body("RETURN_ORDER_UPDATE", data)
    }

    pub fn meaning(&self, envelope: &Envelope, word: &str) -> Meaning {
        let (entity, at) = (Entity::new(Source::SimplifyTrip, Table::Returns, &self.id), Some(envelope.created_at));
        let status = word.to_lowercase();
        let rank = rank("other", &status);
        let said = vec![
            Said::new(&entity, "status", &status, at).ranked(rank),
            Said::new(&entity, "provider_status", word, at).ranked(rank + 1),
            Said::new(&entity, "order_ref", &self.order_id, at),
            Said::new(&entity, "return_type", if self.is_full { "full" } else { "partial" }, at),
            Said::new(&entity, "refund_amount", amount(self.refund), at),
            Said::new(&entity, "reason", self.reason, at),
            Said::new(&entity, "track_ref", &self.track_id, at),
        ];
        Meaning { said, ..Meaning::default() }
    }

    pub fn inbox(&self, envelope: &Envelope) -> Inbox {
        envelope.inbox(&self.order_id, None)
    }
}
