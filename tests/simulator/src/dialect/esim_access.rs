//! eSIM Access (Redtea): orders, and each eSIM's plan, profile, usage and validity; unsigned.
//!
//! Documented: the six types of notice in the form of 2025 (some without id and time) and of 2026, both spellings of a
//! time, the pairs of the two statuses, `remainThreshold` as the share that remains, `lastUpdateTime` one to three hours
//! before, `remain` in days beside an exact `expiredTime`. Assumed: that `notifyId` is the same in each attempt; that
//! VALIDITY_USAGE may be sent earlier than the one day that is documented; and `notifyStatus: "Failed"`, which is
//! GSMA's word (SGP.22) for a step that did not happen.

use chrono::TimeDelta;
use samples::Source;
use serde_json::{Map, Value as Json, json};

use super::{Standing, number, number_or_text, seconds};
use crate::event::{Body, Entity, Inbox, Meaning, Said, Table, Time, Value, Warning};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Year2025,
    Year2026,
}

/// What names an eSIM. Its ICCID is used again once it is cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub order_no: String,
    pub iccid: String,
    pub tran_no: String,
    /// "May not always be included."
    pub transaction: Option<String>,
    pub eid: String,
}

impl Names {
    pub fn reference(&self) -> String {
        format!("{}/{}", self.order_no, self.iccid)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub total_bytes: u64,
    pub used_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The URL was entered.
    Health,
    OrderStatus {
        status: &'static str,
    },
    /// A step of the profile, and in passing what is known of the plan, which may be stale.
    Smdp {
        plan: &'static str,
        profile: &'static str,
        sequence: Option<u64>,
        outcome: Option<&'static str>,
    },
    EsimStatus {
        plan: &'static str,
        profile: &'static str,
        usage: Option<Usage>,
        order: Option<&'static str>,
    },
    /// `remaining`: the share that remains, as it is written.
    DataUsage {
        usage: Usage,
        measured_at: Time,
        remaining: &'static str,
        as_text: bool,
    },
    Validity {
        days: u32,
        ends_at: Time,
        remaining_days: u32,
    },
    /// A type that no document has.
    Other {
        notify_type: &'static str,
    },
}

#[derive(Debug, Clone)]
pub struct Notice {
    pub form: Form,
    /// `+0000` instead of `Z`.
    pub with_offset: bool,
    pub notify_id: String,
    /// By the provider's clock.
    pub sent_at: Time,
    pub names: Names,
    pub content: Content,
}

impl Notice {
    fn notify_type(&self) -> &'static str {
        match self.content {
            Content::Health => "CHECK_HEALTH",
            Content::OrderStatus { .. } => "ORDER_STATUS",
            Content::Smdp { .. } => "SMDP_EVENT",
            Content::EsimStatus { .. } => "ESIM_STATUS",
            Content::DataUsage { .. } => "DATA_USAGE",
            Content::Validity { .. } => "VALIDITY_USAGE",
            Content::Other { notify_type } => notify_type,
        }
    }

    /// The samples of 2025 have neither id nor time in three of the types.
    fn is_dated(&self) -> bool {
        let is_thin = matches!(self.content, Content::Health | Content::OrderStatus { .. } | Content::Validity { .. });
        self.form == Form::Year2026 || !is_thin
    }

    fn at(&self) -> Option<Time> {
        self.is_dated().then_some(self.sent_at)
    }

    fn write(&self, time: Time) -> String {
        if self.with_offset { time.format("%Y-%m-%dT%H:%M:%S+0000").to_string() } else { seconds(time) }
    }

    pub fn body(&self) -> Body {
        let mut body = Map::new();
        body.insert("notifyType".to_owned(), self.notify_type().into());
        if self.is_dated() {
            body.insert("eventGenerateTime".to_owned(), self.write(self.sent_at).into());
            body.insert("notifyId".to_owned(), self.notify_id.clone().into());
        }
        body.insert("content".to_owned(), self.content());
        Body::Fixed(Json::Object(body).to_string().into_bytes())
    }

    fn content(&self) -> Json {
        let is_2026 = self.form == Form::Year2026;
        let mut content = json!({ "orderNo": self.names.order_no });
        match &self.content {
            Content::Health => return json!({ "orderNo": "1234567890", "orderStatus": "Test" }),
            Content::OrderStatus { status } => {
                if is_2026 {
                    self.add_transaction(&mut content);
                }
                content["orderStatus"] = (*status).into();
                return content;
            }
            Content::Other { .. } => {}
            Content::Smdp { plan, profile, sequence, outcome } => {
                content["eid"] = self.names.eid.clone().into();
                content["esimStatus"] = (*plan).into();
                content["smdpStatus"] = (*profile).into();
                if is_2026 {
                    content["timestamp"] = self.write(self.sent_at - TimeDelta::seconds(1)).into();
                    content["seqNumber"] = (*sequence).into();
                    content["notifyStatus"] = (*outcome).into();
                }
            }
            Content::EsimStatus { plan, profile, usage, order } => {
                if let Some(order) = order {
                    content["orderStatus"] = (*order).into();
                }
                content["esimStatus"] = (*plan).into();
                content["smdpStatus"] = (*profile).into();
                if let Some(usage) = usage {
                    content["totalVolume"] = usage.total_bytes.into();
                    content["orderUsage"] = usage.used_bytes.into();
                    content["remainVolume"] = usage.total_bytes.saturating_sub(usage.used_bytes).into();
                }
            }
            Content::DataUsage { usage, measured_at, remaining, as_text } => {
                let bytes = |number: u64| number_or_text(&number.to_string(), *as_text);
                content["totalVolume"] = bytes(usage.total_bytes);
                content["orderUsage"] = bytes(usage.used_bytes);
                content["remain"] = bytes(usage.total_bytes.saturating_sub(usage.used_bytes));
                content["lastUpdateTime"] = self.write(*measured_at).into();
                content["remainThreshold"] = number(remaining);
            }
            Content::Validity { days, ends_at, remaining_days } => {
                content["durationUnit"] = "DAY".into();
                content["totalDuration"] = (*days).into();
                content["expiredTime"] = seconds(*ends_at).into();
                content["remain"] = (*remaining_days).into();
            }
        }
        self.add_transaction(&mut content);
        content["iccid"] = self.names.iccid.clone().into();
        if self.names_transaction() {
            content["esimTranNo"] = self.names.tran_no.clone().into();
        }
        content
    }

    /// VALIDITY_USAGE did not in 2025.
    fn names_transaction(&self) -> bool {
        self.form == Form::Year2026 || !matches!(self.content, Content::Validity { .. })
    }

    fn add_transaction(&self, content: &mut Json) {
        if let Some(transaction) = &self.names.transaction {
            content["transactionId"] = transaction.clone().into();
        }
    }

    pub fn inbox(&self) -> Inbox {
        let names_esim = !matches!(self.content, Content::Health | Content::OrderStatus { .. });
        Inbox {
            order_ref: (self.content != Content::Health).then(|| self.names.order_no.clone()),
            esim_ref: names_esim.then(|| self.names.reference()),
            provider_event_id: self.is_dated().then(|| self.notify_id.clone()),
            occurred_at: self.at(),
            ..Inbox::default()
        }
    }

    pub fn meaning(&self) -> Meaning {
        let order = Entity::new(Source::EsimAccess, Table::Orders, &self.names.order_no);
        let mut meaning = Meaning::default();
        match &self.content {
            Content::Health | Content::Other { .. } => return meaning,
            Content::OrderStatus { status } => {
                self.say_order(&order, status, self.form == Form::Year2026, &mut meaning);
                return meaning;
            }
            Content::EsimStatus { order: Some(status), .. } => self.say_order(&order, status, true, &mut meaning),
            Content::Smdp { .. }
            | Content::EsimStatus { .. }
            | Content::DataUsage { .. }
            | Content::Validity { .. } => {}
        }
        self.say_esim(&mut meaning);
        meaning
    }

    fn say_order(&self, order: &Entity, word: &str, names_transaction: bool, meaning: &mut Meaning) {
        let at = self.at();
        let status = order_status(word);
        meaning.said.extend(Standing::of_order(status, word, at).said(order));
        if status.is_none() {
            meaning.warnings.push((order.clone(), Warning::UnknownWord { word: word.to_owned() }));
        }
        let transaction = self.names.transaction.as_ref().filter(|_| names_transaction);
        meaning.said.extend(transaction.map(|transaction| Said::new(order, "track_ref", transaction, at)));
    }

    fn say_esim(&self, meaning: &mut Meaning) {
        let (esim, at) = (Entity::new(Source::EsimAccess, Table::Esims, &self.names.reference()), self.at());
        meaning.said.push(Said::new(&esim, "order_ref", &self.names.order_no, at));
        meaning.said.push(Said::new(&esim, "iccid", &self.names.iccid, at));
        if self.names_transaction() {
            meaning.said.push(Said::new(&esim, "provider_esim_ref", &self.names.tran_no, at));
        }
        match &self.content {
            Content::Smdp { plan, profile, sequence, outcome } => {
                meaning.said.push(Said::new(&esim, "eid", &self.names.eid, at));
                let plan = plan_standing(plan, at).said(&esim);
                meaning.said.extend(plan.into_iter().map(Said::in_passing));
                if *outcome != Some("Failed") {
                    let sequence = sequence.filter(|_| self.form == Form::Year2026);
                    let profile = profile_standing(profile, at).said(&esim);
                    meaning.said.extend(profile.into_iter().map(|said| said.numbered(sequence)));
                }
            }
            Content::EsimStatus { plan, profile, usage, .. } => {
                meaning.said.extend(plan_standing(plan, at).said(&esim));
                meaning.said.extend(profile_standing(profile, at).said(&esim));
                if let Some(usage) = usage {
                    say_usage(&esim, *usage, 0, at, meaning);
                }
            }
            Content::DataUsage { usage, measured_at, remaining, .. } => {
                say_usage(&esim, *usage, used_percent(remaining), Some(*measured_at), meaning);
            }
            Content::Validity { ends_at, remaining_days, .. } => {
                meaning.said.push(Said::new(&esim, "expires_at", *ends_at, at));
                meaning.warnings.push((esim, Warning::Ends { at: *ends_at, days: *remaining_days }));
            }
            Content::Health | Content::OrderStatus { .. } | Content::Other { .. } => {}
        }
    }
}

/// The larger of what is measured and of what the provider says is told of; of one measure the larger allowance counts.
fn say_usage(esim: &Entity, usage: Usage, named_percent: u32, at: Option<Time>, meaning: &mut Meaning) {
    let Usage { total_bytes, used_bytes } = usage;
    let said = Said::new(esim, "total_bytes", total_bytes, at);
    meaning.said.push(said.with("used_bytes", Some(Value::from(used_bytes))));
    let measured = (u128::from(used_bytes) * 100).checked_div(u128::from(total_bytes)).unwrap_or_default();
    let percent = u32::try_from(measured.min(100)).unwrap_or_default().max(named_percent);
    meaning.warnings.push((esim.clone(), Warning::Used { total_bytes, percent }));
}

/// "Values can be: 0.5, 0.2 and 0.1", and others were observed: the share that remains.
fn used_percent(remaining: &str) -> u32 {
    match remaining {
        "0.5" => 50,
        "0.25" => 75,
        "0.2" => 80,
        "0.1" => 90,
        _ => 0,
    }
}

fn plan_standing(word: &str, at: Option<Time>) -> Standing<'_> {
    let columns = ("plan_status", "provider_plan_status");
    Standing { kind: "plan", columns, status: plan_status(word), word, reason: None, at }
}

fn profile_standing(word: &str, at: Option<Time>) -> Standing<'_> {
    let columns = ("profile_status", "provider_profile_status");
    Standing { kind: "profile", columns, status: profile_status(word), word, reason: None, at }
}

fn order_status(word: &str) -> Option<&'static str> {
    match word {
        "GETTING_RESOURCE" => Some("processing"),
        "GOT_RESOURCE" => Some("completed"),
        "CANCEL" => Some("cancelled"),
        "FAILED" => Some("failed"),
        _ => None,
    }
}

/// The two kinds of expiry differ from text to text; both mean that the plan is over.
fn plan_status(word: &str) -> Option<&'static str> {
    match word {
        "GOT_RESOURCE" => Some("allocated"),
        "IN_USE" => Some("active"),
        "SUSPENDED" => Some("suspended"),
        "USED_UP" => Some("depleted"),
        "USED_EXPIRED" | "UNUSED_EXPIRED" => Some("expired"),
        "CANCEL" => Some("cancelled"),
        "REVOKED" => Some("revoked"),
        _ => None,
    }
}

fn profile_status(word: &str) -> Option<&'static str> {
    match word {
        "RELEASED" => Some("released"),
        "DOWNLOAD" => Some("downloaded"),
        "INSTALLATION" => Some("installed"),
        "ENABLED" => Some("enabled"),
        "DISABLED" => Some("disabled"),
        "DELETED" => Some("deleted"),
        _ => None,
    }
}
