//! Airtm: payments in (purchases) and out, in the callbacks of V1, which nobody signs, and the webhooks of V2, which Svix
//! signs.
//!
//! Documented: the fields of both, statuses in either case, `{type, data}` and, by the guide's own examples, the bare
//! object. That final states are called back is documented for V1; the others are sent here now and then. Hinted at in
//! Airtm's changelog: a completed payout that fails later and is refunded.

use samples::Source;
use serde_json::{Value as Json, json};

use super::{Standing, amount, millis, number};
use crate::event::{Body, Entity, Inbox, Meaning, Said, Table, Time};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// V1's callback.
    One,
    /// V2, in its envelope.
    Two,
    /// V2, without.
    TwoBare,
}

#[derive(Debug, Clone)]
pub struct Payment {
    pub id: String,
    pub form: Form,
    pub is_payout: bool,
    /// The shop's own number; V1's payouts have none.
    pub code: Option<String>,
    pub amount: &'static str,
    pub email: String,
    pub user_id: String,
    pub operation_id: String,
    pub description: &'static str,
    pub created_at: Time,
    /// V1 writes its words in lower case; "use case-insensitive comparisons".
    pub in_upper_case: bool,
}

/// One state of it.
#[derive(Debug, Clone)]
pub struct State {
    /// Airtm's word, in lower case.
    pub word: &'static str,
    /// The second half of V2's type.
    pub verb: &'static str,
    pub reason: Option<&'static str>,
    /// By the provider's clock.
    pub updated_at: Time,
}

impl Payment {
    pub fn source(&self) -> Source {
        if self.form == Form::One { Source::Airtm } else { Source::AirtmV2 }
    }

    pub fn body(&self, state: &State) -> Body {
        let body = match self.form {
            Form::One => self.callback(state),
            Form::TwoBare => self.object(state),
            Form::Two => {
                let noun = if self.is_payout { "payout" } else { "payin" };
                json!({ "type": format!("{noun}.{}", state.verb), "data": self.object(state) })
            }
        };
        Body::Fixed(body.to_string().into_bytes())
    }

    fn callback(&self, state: &State) -> Json {
        let status = if self.in_upper_case { state.word.to_uppercase() } else { state.word.to_owned() };
        let mut body = json!({
            "id": self.id,
            "code": self.code,
            "amount": self.amount,
            "status": status,
            "cancel_uri": null,
            "created_at": millis(self.created_at),
            "partner_id": "4c41f826-115f-40d6-b34c-2a5885e51d27",
            "updated_at": millis(state.updated_at),
            "description": self.description,
            "failure_uri": "https://shop.example.com/failure",
            "airtm_user_id": self.user_id,
            "failure_reason": state.reason,
            "operation_type": if self.is_payout { "payout" } else { "purchase" },
            "airtm_user_email": self.email,
            "confirmation_uri": "https://shop.example.com/confirmed",
            "airtm_operation_id": self.operation_id,
        });
        if !self.is_payout {
            body["cancel_uri"] = "https://shop.example.com/cancel".into();
            body["failure_uri"] = Json::Null;
            body["callback_uri"] = "https://shop.example.com/callback".into();
            body["airtm_operation_hash"] = "1DF5PR42E2CPB2E8".into();
        }
        body
    }

    fn object(&self, state: &State) -> Json {
        let status = state.word.to_uppercase();
        let (amount, description) = (number(self.amount), self.description);
        let (created_at, updated_at) = (millis(self.created_at), millis(state.updated_at));
        if self.is_payout {
            return json!({
                "id": self.id, "bulkPayoutId": null, "hash": "2C9DNV4B61RSA0F4", "code": self.code,
                "airtmUserId": self.user_id, "airtmUserEmail": self.email, "requireIdVerified": false,
                "notes": description, "internalNote": null, "status": status,
                "grossAmount": amount, "amount": amount, "netAmount": amount, "airtmFee": 0, "enterpriseFee": 0,
                "reasonCode": state.reason.map(|_| 415_020), "reasonDescription": state.reason,
                "createdAt": created_at, "updatedAt": updated_at,
            });
        }
        json!({
            "id": self.id, "code": self.code, "hash": "7B0EKX4A95QW9C3D", "status": status,
            "amount": amount, "netAmount": amount, "airtmFee": 0, "description": description,
            "items": [{ "description": description, "quantity": 1, "amount": amount }],
            "airtmUserId": self.user_id, "airtmUserEmail": self.email, "failureReason": state.reason,
            "createdAt": created_at, "updatedAt": updated_at,
            "confirmationUri": "https://shop.example.com/confirmed", "cancelUri": "https://shop.example.com/cancel",
        })
    }

    pub fn meaning(&self, state: &State) -> Meaning {
        let (entity, at) = (Entity::new(self.source(), Table::Payments, &self.id), Some(state.updated_at));
        // A word of Airtm's bridge is explained nowhere; the event's name says what it means.
        let status = status(state.word).or_else(|| status(state.verb).filter(|_| self.form == Form::Two));
        let columns = ("status", "provider_status");
        let standing = Standing { kind: "other", columns, status, word: state.word, reason: state.reason, at };
        let mut said = standing.said(&entity);
        said.extend([
            Said::new(&entity, "direction", if self.is_payout { "payout" } else { "payin" }, at),
            Said::new(&entity, "amount", amount(self.amount), at),
            Said::new(&entity, "payer_email", &self.email, at),
            Said::new(&entity, "description", self.description, at),
        ]);
        said.extend(self.code.as_ref().map(|code| Said::new(&entity, "code", code, at)));
        if self.form == Form::One {
            said.push(Said::new(&entity, "operation_ref", &self.operation_id, at));
        }
        Meaning { said, ..Meaning::default() }
    }

    /// The id of V2's message is Svix's, and stands in its headers.
    pub fn inbox(&self, state: &State, message_id: &str) -> Inbox {
        Inbox {
            payment_ref: Some(self.id.clone()),
            provider_event_id: (self.form != Form::One).then(|| message_id.to_owned()),
            occurred_at: Some(state.updated_at),
            ..Inbox::default()
        }
    }
}

fn status(word: &str) -> Option<&'static str> {
    match word {
        "created" | "pending" | "processing" | "committed" | "error" => Some("pending"),
        "confirmed" | "completed" => Some("succeeded"),
        "failed" => Some("failed"),
        "canceled" => Some("cancelled"),
        _ => None,
    }
}
