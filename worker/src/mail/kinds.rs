//! What each kind of mail shows besides its words: `kinds.toml`, a shop's over ours.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::action::ActionKind;
use toml::Spanned;

use super::sample::MAILED;
use super::templates::TemplateError;
use super::texts::{TextFile, line_at};
use super::vars::FACTS;

pub(super) const FILE: &str = "kinds.toml";

/// Where a button leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Button {
    TopUp,
    Contact,
}

/// What a kind shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) facts: Vec<String>,
    pub(super) meter: bool,
    pub(super) install: bool,
    pub(super) button: Option<Button>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    facts: Option<Vec<Spanned<String>>>,
    meter: Option<bool>,
    install: Option<bool>,
    button: Option<Button>,
}

/// Reads the files, a later one over those before it. Every kind that is mailed has a shape, and no other.
pub(super) fn read<'a>(
    files: impl IntoIterator<Item = &'a TextFile>,
) -> Result<BTreeMap<&'static str, Shape>, TemplateError> {
    let mut shapes: BTreeMap<_, _> = MAILED.iter().map(|kind| (kind.as_str(), Shape::default())).collect();
    for file in files {
        let said: BTreeMap<Spanned<String>, Said> = toml::from_str(&file.source).map_err(|error| file.wrong(&error))?;
        for (kind, said) in said {
            let shape = shapes.get_mut(kind.get_ref().as_str()).ok_or_else(|| {
                let kinds = MAILED.map(ActionKind::as_str).join(", ");
                file.error(line_at(&file.source, kind.span().start), format!("no such kind of mail; there are {kinds}"))
            })?;
            lay_over(shape, said, file)?;
        }
    }
    Ok(shapes)
}

fn lay_over(shape: &mut Shape, said: Said, file: &TextFile) -> Result<(), TemplateError> {
    if let Some(facts) = said.facts {
        if let Some(unknown) = facts.iter().find(|fact| !FACTS.contains(&fact.get_ref().as_str())) {
            let line = line_at(&file.source, unknown.span().start);
            let message = format!("no such fact: {}; there are {}", unknown.get_ref(), FACTS.join(", "));
            return Err(file.error(line, message));
        }
        shape.facts = facts.into_iter().map(Spanned::into_inner).collect();
    }
    shape.meter = said.meter.unwrap_or(shape.meter);
    shape.install = said.install.unwrap_or(shape.install);
    shape.button = said.button.or(shape.button);
    Ok(())
}
