//! What becomes of an eSIM's plan, with the part that our own clock has in it, and what is promised of an eSIM.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::{Case, Promise, Span};
use crate::event::{Time, Value, Warning};

/// Shares of an allowance (% used) and days before the end at which a customer is told: the defaults.
const TOLD_PERCENT: [u32; 3] = [50, 80, 90];
const TOLD_DAYS: [u32; 2] = [3, 1];

/// What may have become of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub status: Option<&'static str>,
    pub at: Option<Time>,
}

impl Plan {
    fn is_over(&self) -> bool {
        matches!(self.status, Some("expired" | "cancelled" | "revoked"))
    }

    fn is(&self, status: &str) -> bool {
        self.status == Some(status)
    }

    /// Ended by our clock, as of its end.
    fn expired(at: Time) -> Self {
        Self { status: Some("expired"), at: Some(at) }
    }
}

/// By how far along they are.
const PLANS: [&str; 8] = ["pending", "allocated", "suspended", "active", "depleted", "expired", "cancelled", "revoked"];

/// The plans that may have become of what was said: what the provider says, or, after the end in force, that it is over.
/// Both only if the end comes just while we look.
pub(super) fn plans(case: &Case<'_>, span: Span) -> Vec<Plan> {
    let said = case.latest("plan_status");
    let plan = Plan {
        status: said.and_then(|claim| PLANS.into_iter().find(|status| *status == claim.text())),
        at: said.and_then(|claim| claim.at),
    };
    // What the provider says, not in passing, of a time after the end stands against it.
    let is_later = |ends: Time| said.is_some_and(|claim| claim.said.firm && claim.at.is_some_and(|at| at > ends));
    match end_in_force(case).filter(|ends| *ends <= span.until && !is_later(*ends) && !plan.is_over()) {
        None => vec![plan],
        Some(ends) if ends < span.from => vec![Plan::expired(ends)],
        Some(ends) => vec![plan, Plan::expired(ends)],
    }
}

fn end_in_force(case: &Case<'_>) -> Option<Time> {
    match case.latest("expires_at")?.said.value {
        Value::Time(ends) => Some(ends),
        Value::Text(_) | Value::Number(_) | Value::Flag(_) => None,
    }
}

/// All ends that were ever said.
fn ends(case: &Case<'_>) -> BTreeSet<Time> {
    let time = |value: &Value| if let Value::Time(time) = value { Some(*time) } else { None };
    case.ever("expires_at").filter_map(|claim| time(&claim.said.value)).collect()
}

pub(super) fn promises(case: &Case<'_>, plans: &[Plan], span: Span) -> Vec<Promise> {
    let is_alive = plans.iter().all(|plan| !plan.is_over());
    let mut promises = of_plan(case, plans, span);
    if let Some(claim) = case.latest("activation_code") {
        let ready = Promise::once("esim_ready", case.entity, is_alive);
        promises.push(ready.saying("install.activation_code", claim.said.value.clone()));
    }
    let on_device = |status: &str| matches!(status, "installed" | "enabled" | "disabled");
    if case.ever("profile_status").any(|claim| on_device(claim.text())) {
        let is_now = case.latest("profile_status").is_some_and(|claim| on_device(claim.text()));
        promises.push(Promise::once("esim_installed", case.entity, is_alive && is_now));
    }
    let is_told_of_data = is_alive && plans.iter().all(|plan| !plan.is("depleted"));
    promises.extend(of_allowances(case, is_told_of_data));
    promises.extend(of_alerts(case, "low_data", is_told_of_data, |warning| match warning {
        Warning::LowData { percent } => told_percent(*percent).map(|_| ("used_percent", *percent)),
        _ => None,
    }));
    promises.extend(of_ends(case, is_alive, span));
    promises.extend(of_alerts(case, "expiring_soon", is_alive, |warning| match warning {
        Warning::EndsSoon { days } => TOLD_DAYS.contains(days).then_some(("days_left", *days)),
        _ => None,
    }));
    promises
}

/// "The plan gets there": what comes again and again is told for each time that it came, as of when.
fn of_plan(case: &Case<'_>, plans: &[Plan], span: Span) -> Vec<Promise> {
    let kinds = [
        ("active", "esim_activated", false),
        ("depleted", "data_depleted", true),
        ("suspended", "esim_suspended", true),
        ("expired", "esim_expired", true),
        ("cancelled", "esim_cancelled", false),
        ("revoked", "esim_revoked", false),
    ];
    let mut promises = Vec::new();
    for (status, kind, recurs) in kinds {
        let times: BTreeSet<_> =
            case.ever("plan_status").filter(|claim| claim.text() == status).map(|claim| claim.at).collect();
        // Our clock may have seen an end pass before we heard that it was taken back.
        let passed = ends(case).into_iter().filter(|ends| status == "expired" && *ends <= span.until).count();
        if !times.is_empty() || passed > 0 {
            let must = plans.iter().all(|plan| plan.is(status));
            let most = if recurs { times.len().max(passed) } else { 1 };
            promises.push(Promise { most, ..Promise::once(kind, case.entity, must) });
        }
    }
    promises
}

fn told_percent(percent: u32) -> Option<u32> {
    TOLD_PERCENT.into_iter().filter(|told| *told <= percent).max()
}

/// Of the allowance in force the highest threshold that was reached; those below it, and of other allowances, may have
/// been told on the way.
fn of_allowances(case: &Case<'_>, is_told: bool) -> Vec<Promise> {
    let mut reached: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
    for (warning, _) in &case.warnings {
        if let Warning::Used { total_bytes, percent } = warning {
            reached.entry(*total_bytes).or_default().extend(told_percent(*percent));
        }
    }
    let in_force = case.latest("total_bytes").map(|claim| claim.said.value.clone());
    let mut promises = Vec::new();
    for (total_bytes, percents) in reached {
        let is_in_force = in_force == Some(Value::from(total_bytes));
        for percent in &percents {
            let must = is_told && is_in_force && percents.last() == Some(percent);
            let promise = Promise::once("low_data", case.entity, must);
            promises.push(promise.saying("used_percent", u64::from(*percent)).saying("total_bytes", total_bytes));
        }
    }
    promises
}

/// Warnings that name neither a time nor what they are about: each stands for itself, and the one that was received last
/// must have been told.
fn of_alerts(
    case: &Case<'_>,
    kind: &'static str,
    must: bool,
    level: impl Fn(&Warning) -> Option<(&'static str, u32)>,
) -> Vec<Promise> {
    let alerts: Vec<_> =
        case.warnings.iter().filter_map(|(warning, between)| Some((level(warning)?, *between))).collect();
    let levels: BTreeSet<_> = alerts.iter().map(|(level, _)| *level).collect();
    let is_overtaken = |latest: Time| alerts.iter().any(|(_, (earliest, _))| *earliest > latest);
    let newest: BTreeSet<_> =
        alerts.iter().filter(|(_, (_, latest))| !is_overtaken(*latest)).map(|(level, _)| *level).collect();
    let mut promises: Vec<_> = levels
        .iter()
        .map(|(field, number)| {
            let most = alerts.iter().filter(|(level, _)| level == &(*field, *number)).count();
            let is_newest = newest.len() == 1 && newest.contains(&(*field, *number));
            let promise = Promise { most, ..Promise::once(kind, case.entity, must && is_newest) };
            promise.saying(field, u64::from(*number))
        })
        .collect();
    if newest.len() > 1 {
        // Nobody can tell which one was received last.
        promises.push(Promise { most: alerts.len(), ..Promise::once(kind, case.entity, must) });
    }
    promises
}

/// Of the end in force the last notice, the provider's or our clock's; others may have been given before.
fn of_ends(case: &Case<'_>, is_alive: bool, span: Span) -> Vec<Promise> {
    let mut notices: BTreeSet<(Time, u32)> = BTreeSet::new();
    for (warning, _) in &case.warnings {
        if let Warning::Ends { at, days } = warning
            && TOLD_DAYS.contains(days)
        {
            notices.insert((*at, *days));
        }
    }
    let in_force = end_in_force(case).filter(|ends| *ends > span.until);
    let given: BTreeSet<u32> = notices.iter().filter(|(at, _)| Some(*at) == in_force).map(|(_, days)| *days).collect();
    let mut certain = given.first().copied();
    for ends in ends(case) {
        let (first, last) = (noticed(ends, span.from), noticed(ends, span.until));
        notices.extend(first.into_iter().chain(last).map(|days| (ends, days)));
        if Some(ends) == in_force && first == last {
            certain = certain.into_iter().chain(first).min();
        }
    }
    let promise = |(ends, days): (Time, u32)| {
        let must = is_alive && Some(ends) == in_force && Some(days) == certain;
        let promise = Promise::once("expiring_soon", case.entity, must);
        promise.saying("days_left", u64::from(days)).saying("expires_at", ends)
    };
    notices.into_iter().map(promise).collect()
}

/// The notice that our clock gives at `now`.
fn noticed(ends: Time, now: Time) -> Option<u32> {
    let passed = |days: &u32| ends - now <= TimeDelta::days((*days).into());
    TOLD_DAYS.into_iter().filter(passed).min().filter(|_| ends > now)
}
