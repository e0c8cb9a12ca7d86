//! Our own deadlines: what passes without any provider saying so. A deadline that has passed becomes an event like any
//! other, with the same body and so the same key on every worker that notices it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::block::Latest;
use crate::esim::Esim;
use crate::event::Malformed;
use crate::fact::Fact;
use crate::order::Order;
use crate::rules::Rules;

/// What the clock noticed; the body of its event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Deadline {
    /// The plan ends in `days` days, or less. They are a text, because serde buffers a variant that is tagged from
    /// within, and a buffered number is lost with `arbitrary_precision`.
    Expiring { esim_ref: String, expires_at: Timestamp, days: String },
    /// The plan has ended.
    Expired { esim_ref: String, expires_at: Timestamp },
    /// An order that the shop registered at `since` has not been heard of.
    Silent { order_ref: String, since: Timestamp },
}

impl Deadline {
    /// The kind of its event.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Expiring { .. } => "expiring",
            Self::Expired { .. } => "expired",
            Self::Silent { .. } => "silent",
        }
    }

    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the body of a clock's event.
    pub fn parse(body: &Value) -> Result<Self, Malformed> {
        let unknown = |_: serde_json::Error| Malformed::Unidentified("it is no deadline".to_owned());
        Self::deserialize(body).map_err(unknown)
    }

    /// What the deadline claims. That an end has passed counts as long as it is the end in force: a provider may extend
    /// a plan without a word, and say so only before the next end.
    pub fn fact(&self) -> Fact {
        match self {
            Self::Expiring { esim_ref, expires_at, days } => {
                let mut esim = Esim::default();
                esim.expiry_notices.extend(days.parse().ok().map(|days| (*expires_at, days)));
                Fact::esim(esim_ref, esim)
            }
            Self::Expired { esim_ref, expires_at } => {
                Fact::esim(esim_ref, Esim { passed_ends: BTreeSet::from([*expires_at]), ..Esim::default() })
            }
            Self::Silent { order_ref, since } => {
                Fact::order(order_ref, Order { silent_since: Latest::claim(*since, None), ..Order::default() })
            }
        }
    }
}

/// The deadlines of an eSIM that have passed and were not noticed yet.
pub fn due(esim_ref: &str, esim: &Esim, rules: &Rules, now: Timestamp) -> Vec<Deadline> {
    let Some(expires_at) = esim.expires_at.value().copied().filter(|_| !esim.is_over()) else {
        return Vec::new();
    };
    if expires_at <= now {
        // What stands against it would do so again: noticing it would change nothing.
        let expired = Deadline::Expired { esim_ref: esim_ref.to_owned(), expires_at };
        return if esim.outlives(expires_at) { Vec::new() } else { vec![expired] };
    }
    let passed = |days: &u32| now >= expires_at - TimeDelta::days(i64::from(*days));
    // Of several that have passed only the last is true.
    let latest = rules.expiry_notice_days.iter().copied().filter(passed).min();
    // A provider's notice of another number of days is none that anybody is told.
    let is_told = |at: &Timestamp, told: &u32, days: &u32| *at == expires_at && told <= days && rules.tells_days(*told);
    let told = |days: &u32| esim.expiry_notices.iter().any(|(at, told)| is_told(at, told, days));
    latest
        .filter(|days| !told(days))
        .map(|days| Deadline::Expiring { esim_ref: esim_ref.to_owned(), expires_at, days: days.to_string() })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Join as _;
    use crate::esim::PlanStatus;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn esim(notices: &[u32]) -> Esim {
        let expires_at = at("2026-03-10T00:00:00Z");
        Esim {
            expires_at: Latest::claim(expires_at, None),
            expiry_notices: notices.iter().map(|days| (expires_at, *days)).collect(),
            ..Esim::default()
        }
    }

    #[track_caller]
    fn check(esim: &Esim, now: &str, expected: &[&str]) {
        let due = due("e", esim, &Rules::default(), at(now));
        let told = due.iter().map(|deadline| match deadline {
            Deadline::Expiring { days, .. } => days.clone(),
            other => other.kind().to_owned(),
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_the_last_notice_that_has_come_due_is_given_and_once() {
        check(&esim(&[]), "2026-03-01T00:00:00Z", &[]);
        check(&esim(&[]), "2026-03-07T00:00:00Z", &["3"]);
        check(&esim(&[3]), "2026-03-08T00:00:00Z", &[]);
        check(&esim(&[3]), "2026-03-09T00:00:00Z", &["1"]);
        check(&esim(&[]), "2026-03-09T12:00:00Z", &["1"]);
        check(&esim(&[1]), "2026-03-09T12:00:00Z", &[]);
    }

    #[test]
    fn a_notice_that_the_provider_gives_and_nobody_is_told_keeps_none_back() {
        check(&esim(&[2]), "2026-03-08T00:00:00Z", &["3"]);
        check(&esim(&[0]), "2026-03-09T12:00:00Z", &["1"]);
        check(&esim(&[0, 1]), "2026-03-09T12:00:00Z", &[]);
    }

    #[test]
    fn an_end_is_noticed_unless_it_is_known_or_something_newer_is() {
        check(&esim(&[]), "2026-03-10T00:00:00Z", &["expired"]);
        let over = Esim { plan: Latest::claim(PlanStatus::Cancelled, None), ..esim(&[]) };
        check(&over, "2026-03-11T00:00:00Z", &[]);
        let renewed = Esim { plan: Latest::claim(PlanStatus::Active, Some(at("2026-03-10T08:00:00Z"))), ..esim(&[]) };
        check(&renewed, "2026-03-11T00:00:00Z", &[]);
    }

    #[test]
    fn what_was_said_in_passing_keeps_no_plan_alive() {
        let stale = Latest::claim(PlanStatus::Active, Some(at("2026-03-10T08:00:00Z"))).weak();
        check(&Esim { plan: stale, ..esim(&[]) }, "2026-03-11T00:00:00Z", &["expired"]);
    }

    #[test]
    fn an_end_that_was_taken_back_ends_nothing() {
        let (first, second) = (at("2026-03-10T00:00:00Z"), at("2026-03-20T00:00:00Z"));
        let said = |end, day: &str| Esim { expires_at: Latest::claim(end, Some(at(day))), ..Esim::default() };
        let in_use = Latest::claim(PlanStatus::Active, Some(at("2026-03-01T00:00:00Z")));
        let passed = |end| Esim { passed_ends: BTreeSet::from([end]), ..Esim::default() };
        let mut esim = Esim { plan: in_use, ..said(first, "2026-03-09T00:00:00Z") };
        esim.join(passed(first));
        assert_eq!((esim.plan_status(), esim.plan_status_at()), (Some(PlanStatus::Expired), Some(first)));
        esim.join(said(second, "2026-03-19T00:00:00Z"));
        assert_eq!(esim.plan_status(), Some(PlanStatus::Active), "topped up, which nobody said before");
        check(&esim, "2026-03-19T12:00:00Z", &["1"]);
        check(&esim, "2026-03-20T00:00:00Z", &["expired"]);
        esim.join(passed(second));
        assert_eq!((esim.plan_status(), esim.plan_status_at()), (Some(PlanStatus::Expired), Some(second)));
    }

    #[test]
    fn a_deadline_survives_the_queue_and_silences_itself() {
        for now in ["2026-03-09T12:00:00Z", "2026-03-12T00:00:00Z"] {
            let mut esim = esim(&[]);
            let noticed = due("e", &esim, &Rules::default(), at(now));
            let body: Value = serde_json::from_slice(&noticed[0].body()).unwrap();
            assert_eq!(Deadline::parse(&body), Ok(noticed[0].clone()));
            let crate::fact::State::Esim(claims) = noticed[0].fact().claims else { unreachable!() };
            esim.join(claims);
            check(&esim, now, &[]);
        }
    }
}
