//! What must still be true when an action is sent: nobody hears of low data after "used up".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::confirmation::Verdict;
use crate::esim::{Esim, PlanStatus};
use crate::fact::{EntityKey, State};
use crate::order::{OrderStatus, Product};
use crate::payment::{Direction, PaymentStatus};
use crate::return_request::ReturnStatus;
use crate::rules::Rules;

/// The condition of an action, kept with it and checked at every attempt to deliver it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Premise {
    /// The state of `subject` must be as `rule` says.
    About { subject: EntityKey, rule: Rule },
    /// Nothing can make it untrue.
    Always,
}

/// What must be true of an entity.
// Not tagged from within: serde buffers such a variant, and a buffered number is lost with `arbitrary_precision`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    OrderIs {
        status: OrderStatus,
        /// What must have been ordered, where only that makes it worth telling.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product: Option<Product>,
    },
    OrderNeedsReview,
    OrderIsSilent,
    /// The provider's API contradicts what an unsigned webhook said.
    IsRefuted,
    /// Failed also stands for cancelled: either way the money does not come.
    PaymentIs {
        status: PaymentStatus,
        /// Which way the money must go; kept without it before it was part of the promise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<Direction>,
    },
    ReturnIs {
        status: ReturnStatus,
    },
    PlanIs {
        status: PlanStatus,
    },
    /// The plan is not over, so installing it makes sense. Kept for what was promised before `InstallableBy`.
    Installable,
    /// The same by the activation code of this fingerprint.
    InstallableBy {
        code_sha256: String,
    },
    /// The profile is on a device, and the plan is not over.
    OnDevice,
    LowData {
        percent: u32,
        about: Allowance,
    },
    Expiring {
        days: u32,
        about: Expiry,
    },
}

impl Rule {
    /// Whether it is about what a forged webhook could make somebody believe.
    pub(crate) fn needs_proof(&self) -> bool {
        match self {
            Self::OrderIs { .. } | Self::PaymentIs { .. } | Self::Installable | Self::InstallableBy { .. } => true,
            Self::OrderNeedsReview
            | Self::OrderIsSilent
            | Self::IsRefuted
            | Self::ReturnIs { .. }
            | Self::PlanIs { .. }
            | Self::OnDevice
            | Self::LowData { .. }
            | Self::Expiring { .. } => false,
        }
    }
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
    pub fn subject(&self) -> Option<&EntityKey> {
        match self {
            Self::Always => None,
            Self::About { subject, .. } => Some(subject),
        }
    }
}

/// Whether the premise still holds; if not, why. `state` is that of the premise's subject.
pub fn premise_holds(premise: &Premise, state: Option<&State>, rules: &Rules, now: Timestamp) -> Result<(), String> {
    let (rule, state) = match (premise, state) {
        (Premise::Always, _) => return Ok(()),
        (Premise::About { rule, .. }, Some(state)) => (rule, state),
        (Premise::About { .. }, None) => return Err(UNKNOWN.to_owned()),
    };
    if state.confirmation() == Some(Verdict::Refuted) && rule.needs_proof() {
        return Err("the provider's API does not confirm it".to_owned());
    }
    match (rule, state) {
        (Rule::OrderIs { status, product }, State::Order(order)) => {
            is_still("order", status.as_str(), order.status().as_str())?;
            let is_of_it = product.is_none_or(|product| order.product.value() == Some(&product));
            held(is_of_it, || "something else was ordered".to_owned())
        }
        (Rule::OrderNeedsReview, State::Order(order)) => {
            held(order.needs_review(), || "the order no longer needs review".to_owned())
        }
        (Rule::OrderIsSilent, State::Order(order)) => held(order.is_silent(), || "the provider has spoken".to_owned()),
        (Rule::IsRefuted, state) => {
            held(state.refuted_at().is_some(), || "the provider's API confirms it by now".to_owned())
        }
        (Rule::PaymentIs { status, direction }, State::Payment(payment)) => {
            let (then, now) = (status.without_nuance(), payment.status().without_nuance());
            is_still("payment", then.as_str(), now.as_str())?;
            let is_that_way = direction.is_none_or(|direction| payment.direction() == direction);
            held(is_that_way, || format!("it is a {}", payment.direction().as_str()))
        }
        (Rule::ReturnIs { status }, State::Return(return_request)) => {
            is_still("return", status.as_str(), return_request.status().as_str())
        }
        (Rule::PlanIs { status }, State::Esim(esim)) => is_still("plan", status.as_str(), plan_name(esim)),
        (Rule::Installable, State::Esim(esim)) => not_over(esim),
        (Rule::InstallableBy { code_sha256 }, State::Esim(esim)) => {
            not_over(esim)?;
            let is_same = esim.install.value().is_some_and(|install| install.fingerprint() == *code_sha256);
            held(is_same, || "the activation code has been replaced".to_owned())
        }
        (Rule::OnDevice, State::Esim(esim)) => not_over(esim).and_then(|()| on_device(esim)),
        (Rule::LowData { percent, about }, State::Esim(esim)) => {
            not_over(esim).and_then(|()| not_depleted(esim)).and_then(|()| still_low(esim, *percent, about, rules))
        }
        (Rule::Expiring { days, about }, State::Esim(esim)) => {
            not_over(esim).and_then(|()| still_expiring(esim, *days, about, rules, now))
        }
        (_, State::Order(_) | State::Esim(_) | State::Payment(_) | State::Return(_)) => Err(UNKNOWN.to_owned()),
    }
}

const UNKNOWN: &str = "what it is about is not known any more";

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

fn still_low(esim: &Esim, percent: u32, about: &Allowance, rules: &Rules) -> Result<(), String> {
    match about {
        Allowance::TotalBytes(total) => {
            held(esim.total_bytes() == Some(*total), || "the allowance has changed".to_owned())?;
            let highest = rules.low_data_threshold(esim, *total).unwrap_or_default();
            held(highest <= percent, || format!("{highest} % used has been told instead"))
        }
        Allowance::Event(key) => {
            let newest = esim.low_data_alert.value();
            held(newest.is_some_and(|alert| alert.event_key == *key), || "a newer warning replaces it".to_owned())
        }
    }
}

fn still_expiring(esim: &Esim, days: u32, about: &Expiry, rules: &Rules, now: Timestamp) -> Result<(), String> {
    match about {
        Expiry::At(time) => {
            held(esim.expires_at.value() == Some(time), || "the expiry has changed".to_owned())?;
            held(*time > now, || "it has expired".to_owned())?;
            let is_later = |left: u32| left < days && rules.tells_days(left);
            let later_notice = esim.expiry_notices.iter().any(|(at, left)| at == time && is_later(*left));
            held(!later_notice, || "a later notice replaces it".to_owned())
        }
        Expiry::Event(key) => {
            let newest = esim.expiry_alert.value();
            held(newest.is_some_and(|alert| alert.event_key == *key), || "a newer notice replaces it".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::block::Latest;

    fn low_data(percent: u32) -> Premise {
        let about = Allowance::TotalBytes(53_687_091_200);
        Premise::About { subject: EntityKey::Esim("B1/8901".to_owned()), rule: Rule::LowData { percent, about } }
    }

    #[test]
    fn a_premise_survives_the_database() {
        let at = Timestamp::from_timestamp(1_780_000_000, 0).unwrap();
        let rules = [
            Rule::OrderIs { status: OrderStatus::Failed, product: None },
            Rule::OrderIs { status: OrderStatus::Shipping, product: Some(Product::PhysicalSim) },
            Rule::PaymentIs { status: PaymentStatus::Failed, direction: Some(Direction::Payout) },
            Rule::OrderNeedsReview,
            Rule::Installable,
            Rule::Expiring { days: 3, about: Expiry::At(at) },
            Rule::Expiring { days: 1, about: Expiry::Event("k".to_owned()) },
        ];
        let subject = EntityKey::Order("1".to_owned());
        let premises = rules.map(|rule| Premise::About { subject: subject.clone(), rule });
        for premise in premises.into_iter().chain([Premise::Always, low_data(80)]) {
            let stored: Value = serde_json::to_value(&premise).unwrap();
            assert_eq!(serde_json::from_value::<Premise>(stored).unwrap(), premise);
        }
    }

    #[test]
    fn a_premise_that_was_kept_earlier_is_read() {
        let read = |text: &str| serde_json::from_str::<Rule>(text).unwrap();
        let order = Rule::OrderIs { status: OrderStatus::Shipping, product: None };
        assert_eq!(read(r#"{"order_is": {"status": "shipping"}}"#), order);
        let payment = Rule::PaymentIs { status: PaymentStatus::Cancelled, direction: None };
        assert_eq!(read(r#"{"payment_is": {"status": "cancelled"}}"#), payment);
    }

    #[test]
    fn what_ended_a_premise_is_said() {
        let now = Timestamp::from_timestamp(1_780_000_000, 0).unwrap();
        let usage = crate::esim::Usage { total_bytes: 53_687_091_200, used_bytes: 48_318_382_080 };
        let mut esim = Esim::default().with_usage(usage, None, None);
        let holds = |premise: &Premise, esim: &Esim| {
            premise_holds(premise, Some(&State::Esim(esim.clone())), &Rules::default(), now)
        };
        assert_eq!(holds(&low_data(90), &esim), Ok(()));
        assert_eq!(holds(&low_data(80), &esim), Err("90 % used has been told instead".to_owned()));
        esim.plan = Latest::claim(PlanStatus::Depleted, None);
        assert_eq!(holds(&low_data(90), &esim), Err("the data is used up".to_owned()));
        esim.plan = Latest::claim(PlanStatus::Cancelled, None);
        assert_eq!(holds(&low_data(90), &esim), Err("the plan is cancelled".to_owned()));
        assert_eq!(premise_holds(&low_data(90), None, &Rules::default(), now), Err(UNKNOWN.to_owned()));
    }
}
