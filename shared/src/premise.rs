//! What must still be true when an action is sent: nobody hears of low data after "used up".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::esim::{Esim, PlanStatus};
use crate::fact::{EntityKey, State};
use crate::order::OrderStatus;
use crate::payment::PaymentStatus;
use crate::return_request::ReturnStatus;

/// The condition of an action, kept with it and checked at every attempt to deliver it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Premise {
    /// Nothing can make it untrue.
    Always,
    OrderIs {
        order_ref: String,
        status: OrderStatus,
    },
    OrderNeedsReview {
        order_ref: String,
    },
    PaymentIs {
        payment_ref: String,
        status: PaymentStatus,
    },
    ReturnIs {
        return_ref: String,
        status: ReturnStatus,
    },
    PlanIs {
        esim_ref: String,
        status: PlanStatus,
    },
    /// The plan is not over, so installing it makes sense.
    Installable {
        esim_ref: String,
    },
    /// The profile is on a device, and the plan is not over.
    OnDevice {
        esim_ref: String,
    },
    LowData {
        esim_ref: String,
        percent: u32,
        about: Allowance,
    },
    Expiring {
        esim_ref: String,
        days: u32,
        about: Expiry,
    },
}

/// Which allowance a warning of low data is about: the cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    TotalBytes(u64),
    /// The provider names none; the warning stands for itself, by the key of its event.
    Event(String),
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TotalBytes(total) => write!(f, "{total}"),
            Self::Event(key) => f.write_str(key),
        }
    }
}

/// Which end a notice of expiry is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    At(Timestamp),
    /// The provider names none; the notice stands for itself, by the key of its event.
    Event(String),
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.write_str(&time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            Self::Event(key) => f.write_str(key),
        }
    }
}

impl Premise {
    /// The entity whose state decides; `None` if none does.
    pub fn subject(&self) -> Option<EntityKey> {
        match self {
            Self::Always => None,
            Self::OrderIs { order_ref, .. } | Self::OrderNeedsReview { order_ref } => {
                Some(EntityKey::Order(order_ref.clone()))
            }
            Self::PaymentIs { payment_ref, .. } => Some(EntityKey::Payment(payment_ref.clone())),
            Self::ReturnIs { return_ref, .. } => Some(EntityKey::Return(return_ref.clone())),
            Self::PlanIs { esim_ref, .. }
            | Self::Installable { esim_ref }
            | Self::OnDevice { esim_ref }
            | Self::LowData { esim_ref, .. }
            | Self::Expiring { esim_ref, .. } => Some(EntityKey::Esim(esim_ref.clone())),
        }
    }
}

/// Whether the premise still holds; if not, why. `state` is that of the premise's subject.
pub fn premise_holds(premise: &Premise, state: Option<&State>, now: Timestamp) -> Result<(), String> {
    match (premise, state) {
        (Premise::Always, _) => Ok(()),
        (Premise::OrderIs { status, .. }, Some(State::Order(order))) => {
            is_still("order", status.as_str(), order.status().as_str())
        }
        (Premise::OrderNeedsReview { .. }, Some(State::Order(order))) => {
            held(order.needs_review(), || "the order no longer needs review".to_owned())
        }
        (Premise::PaymentIs { status, .. }, Some(State::Payment(payment))) => {
            is_still("payment", status.as_str(), payment.status().as_str())
        }
        (Premise::ReturnIs { status, .. }, Some(State::Return(return_request))) => {
            is_still("return", status.as_str(), return_request.status().as_str())
        }
        (Premise::PlanIs { status, .. }, Some(State::Esim(esim))) => is_still("plan", status.as_str(), plan_name(esim)),
        (Premise::Installable { .. }, Some(State::Esim(esim))) => not_over(esim),
        (Premise::OnDevice { .. }, Some(State::Esim(esim))) => not_over(esim).and_then(|()| on_device(esim)),
        (Premise::LowData { percent, about, .. }, Some(State::Esim(esim))) => {
            not_over(esim).and_then(|()| not_depleted(esim)).and_then(|()| still_low(esim, *percent, about))
        }
        (Premise::Expiring { days, about, .. }, Some(State::Esim(esim))) => {
            not_over(esim).and_then(|()| still_expiring(esim, *days, about, now))
        }
        (_, None | Some(State::Order(_) | State::Esim(_) | State::Payment(_) | State::Return(_))) => {
            Err("what it is about is not known any more".to_owned())
        }
    }
}

fn held(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

fn is_still(what: &str, then: &str, now: &str) -> Result<(), String> {
    held(then == now, || format!("the {what} is no longer {then} but {now}"))
}

fn plan_name(esim: &Esim) -> &'static str {
    esim.plan_status().map_or("unknown", PlanStatus::as_str)
}

fn not_over(esim: &Esim) -> Result<(), String> {
    held(!esim.is_over(), || format!("the plan is {}", plan_name(esim)))
}

fn not_depleted(esim: &Esim) -> Result<(), String> {
    held(!esim.is_depleted(), || "the data is used up".to_owned())
}

fn on_device(esim: &Esim) -> Result<(), String> {
    let on_device = esim.profile_status().is_some_and(crate::esim::ProfileStatus::is_on_device);
    held(on_device, || "the profile is not on a device any more".to_owned())
}

fn still_low(esim: &Esim, percent: u32, about: &Allowance) -> Result<(), String> {
    match about {
        Allowance::TotalBytes(total) => {
            held(esim.total_bytes() == Some(*total), || "the allowance has changed".to_owned())?;
            let highest = esim.thresholds.get(total).copied().map_or(0, u32::from);
            held(highest <= percent, || format!("{highest} % used has been told instead"))
        }
        Allowance::Event(key) => {
            let newest = esim.low_data_alert.value();
            held(newest.is_some_and(|alert| alert.event_key == *key), || "a newer warning replaces it".to_owned())
        }
    }
}

fn still_expiring(esim: &Esim, days: u32, about: &Expiry, now: Timestamp) -> Result<(), String> {
    match about {
        Expiry::At(time) => {
            held(esim.expires_at.value() == Some(time), || "the expiry has changed".to_owned())?;
            held(*time > now, || "it has expired".to_owned())?;
            let later_notice = esim.expiry_notices.iter().any(|(at, left)| at == time && *left < days);
            held(!later_notice, || "a later notice replaces it".to_owned())
        }
        Expiry::Event(key) => {
            let newest = esim.expiry_alert.value();
            held(newest.is_some_and(|alert| alert.event_key == *key), || "a newer notice replaces it".to_owned())
        }
    }
}
