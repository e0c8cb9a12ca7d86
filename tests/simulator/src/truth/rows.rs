//! What a row must say, column by column.

use std::collections::BTreeSet;

use super::esim::Plan;
use super::{Case, Row};
use crate::event::{Table, Value, Warning};

/// The public columns that an event can decide, and what they say while nothing was said. `created_at` and `updated_at`
/// are our own.
fn blank(table: Table) -> Vec<(&'static str, Option<Value>)> {
    let (texts, status): (&[&'static str], Option<&str>) = match table {
        Table::Orders => (
            &[
                "provider_status", "status_at", "failure_reason", "product", "package_code", "package_name", "amount",
                "currency", "quantity", "track_ref",
            ],
            Some("pending"),
        ),
        Table::Esims => (
            &[
                "order_ref",
                "iccid",
                "eid",
                "provider_esim_ref",
                "plan_status",
                "provider_plan_status",
                "plan_status_at",
                "profile_status",
                "provider_profile_status",
                "profile_status_at",
                "activation_code",
                "total_bytes",
                "used_bytes",
                "usage_at",
                "expires_at",
                "package_name",
            ],
            None,
        ),
        Table::Payments => (
            &[
                "direction", "provider_status", "status_at", "amount", "code", "payer_email", "failure_reason",
                "operation_ref", "description",
            ],
            Some("pending"),
        ),
        Table::Returns => (
            &["order_ref", "provider_status", "status_at", "return_type", "refund_amount", "reason", "track_ref"],
            Some("requested"),
        ),
    };
    let status = status.map(|status| ("status", Some(Value::from(status))));
    texts.iter().map(|column| (*column, None)).chain(status).collect()
}

/// The column with the time as of which another one holds.
fn time_column(column: &str) -> Option<&'static str> {
    match column {
        "status" => Some("status_at"),
        "plan_status" => Some("plan_status_at"),
        "profile_status" => Some("profile_status_at"),
        "total_bytes" => Some("usage_at"),
        _ => None,
    }
}

/// The row, or, of an eSIM, one for each of the plans that may have become of it.
pub(super) fn of(case: &Case<'_>, plans: &[Plan]) -> Vec<Row> {
    let mut row: Row = blank(case.entity.table).into_iter().collect();
    let columns: BTreeSet<_> = case.claims.iter().map(|claim| claim.said.column).collect();
    for claim in columns.into_iter().filter_map(|column| case.latest(column)) {
        row.insert(claim.said.column, Some(claim.said.value.clone()));
        row.extend(claim.said.with.iter().cloned());
        row.extend(time_column(claim.said.column).map(|column| (column, claim.at.map(Value::from))));
    }
    row.insert("provider", Some(case.source.provider().into()));
    row.insert("mode", Some(if case.is_test { "test" } else { "live" }.into()));
    match case.entity.table {
        Table::Orders => {
            row.insert("needs_review", Some(Value::Flag(needs_review(case))));
            row.insert("confirmation", confirmation(case, &["shipping", "completed", "failed", "cancelled"]));
        }
        Table::Payments => {
            row.insert("confirmation", confirmation(case, &["succeeded", "failed", "cancelled"]));
        }
        Table::Esims => {
            let has_code = case.latest("activation_code").is_some();
            row.insert("confirmation", has_code.then(|| proof(case).into()));
            return plans.iter().map(|plan| with_plan(row.clone(), plan)).collect();
        }
        Table::Returns => {}
    }
    vec![row]
}

fn with_plan(mut row: Row, plan: &Plan) -> Row {
    row.insert("plan_status", plan.status.map(Value::from));
    row.insert("plan_status_at", plan.at.map(Value::from));
    row
}

/// Two final statuses contradict each other if nothing says which one came later; and a word that nobody knows should be
/// looked at.
pub(super) fn needs_review(case: &Case<'_>) -> bool {
    let is_final = |status: &str| matches!(status, "completed" | "failed" | "cancelled");
    let untimed = case.ever("status").filter(|claim| claim.at.is_none());
    let finals: BTreeSet<_> = untimed.map(|claim| claim.text()).filter(|status| is_final(status)).collect();
    let is_unknown = |(warning, _): &(&Warning, _)| matches!(warning, Warning::UnknownWord { .. });
    finals.len() > 1 || case.warnings.iter().any(is_unknown)
}

/// Who stands behind a status that somebody acts on: the provider, whose signature it has, or only somebody who knows the
/// address, until an API confirms it; here there is none.
fn confirmation(case: &Case<'_>, of_value: &[&str]) -> Option<Value> {
    let counts = |status: &str| of_value.contains(&status);
    let is_claimed = if case.source.signs() {
        case.latest("status").is_some_and(|claim| counts(claim.text()))
    } else {
        case.ever("status").any(|claim| counts(claim.text()))
    };
    is_claimed.then(|| proof(case).into())
}

fn proof(case: &Case<'_>) -> &'static str {
    if case.source.signs() { "confirmed" } else { "unconfirmed" }
}
