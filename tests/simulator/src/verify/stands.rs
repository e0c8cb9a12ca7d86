//! The rows of orders, eSIMs, payments and returns: every column, and no row too many.

use std::collections::BTreeMap;

use super::{Difference, is_undecided};
use crate::event::{Entity, Table, Time, Value};
use crate::tables::{Sheet, Texts, read_time, value};
use crate::truth::{Row, Truth};

pub(super) fn compare(truth: &Truth, ours: &BTreeMap<&Entity, u64>, sheet: &Sheet, is_shared: bool) -> Vec<Difference> {
    let found = found(sheet);
    let mut differences = Vec::new();
    for (entity, alternatives) in &truth.rows {
        let life = ours.get(entity).copied();
        let difference = |what| Difference { life, place: place(entity), what };
        match found.get(entity) {
            None => differences.push(difference("there is no row".to_owned())),
            Some(row) => {
                let wrong = alternatives.iter().map(|expected| wrong(expected, row)).min_by_key(Vec::len);
                let or = if alternatives.len() > 1 { " (or what our clock made of it)" } else { "" };
                differences.extend(wrong.unwrap_or_default().into_iter().map(|what| difference(format!("{what}{or}"))));
                differences.extend(of_receipt(row).map(difference));
            }
        }
    }
    for entity in found.keys().filter(|entity| !truth.rows.contains_key(*entity) && !is_undecided(truth, entity)) {
        match ours.get(entity) {
            Some(life) => differences.push(Difference {
                life: Some(*life),
                place: place(entity),
                what: "nothing of it was delivered, and there is a row".to_owned(),
            }),
            None if !is_shared => differences.push(Difference {
                life: None,
                place: place(entity),
                what: "no provider of the simulation knows it, and there is a row".to_owned(),
            }),
            None => {}
        }
    }
    differences
}

pub(super) fn place(entity: &Entity) -> String {
    format!("{} {} {}", entity.table.name(), entity.source, entity.reference)
}

fn found(sheet: &Sheet) -> BTreeMap<Entity, &Texts> {
    let mut found = BTreeMap::new();
    for (table, rows) in &sheet.entities {
        for row in rows {
            if let Some(entity) = entity(*table, row) {
                found.insert(entity, row);
            }
        }
    }
    found
}

/// A source that nobody knows is nobody's row.
fn entity(table: Table, row: &Texts) -> Option<Entity> {
    let name = row.get("source")?;
    let source = samples::Source::ALL.into_iter().find(|source| source.name() == name)?;
    Some(Entity::new(source, table, row.get(table.key())?))
}

fn wrong(expected: &Row, row: &Texts) -> Vec<String> {
    let mut wrong = Vec::new();
    for (column, expected) in expected {
        let text = row.get(column);
        let found = text.and_then(|text| value(column, text));
        if text.is_some() != found.is_some() || found != *expected {
            let found = text.map_or_else(|| "null".to_owned(), |text| format!("{text:?}"));
            wrong.push(format!("{column}: expected {}, found {found}", shown(expected.as_ref())));
        }
    }
    wrong
}

pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None => "null".to_owned(),
        Some(Value::Text(text)) => format!("{text:?}"),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Flag(flag)) => flag.to_string(),
        Some(Value::Time(time)) => time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
    }
}

/// When we first and last heard of it.
fn of_receipt(row: &Texts) -> Option<String> {
    let time = |column: &str| -> Option<Time> { row.get(column).and_then(|text| read_time(text)) };
    let (created, updated) = (time("created_at"), time("updated_at"));
    (created.is_none() || created > updated).then(|| format!("created_at {created:?}, updated_at {updated:?}"))
}
