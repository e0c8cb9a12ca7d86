//! What each kind of mail shows besides its texts: `kinds.toml`, the shop's over the built-in one. A section is named after
//! a kind, or after an entity for all kinds that are about one.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::action::ActionKind;
use shared::fact::EntityKey;
use toml::Spanned;

use crate::sample::sample;
use crate::texts::{TemplateError, TemplateFile, line_at};
use crate::vars::FACTS;

pub(crate) const FILE: &str = "kinds.toml";

/// The target of a mail's button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Button {
    TopUp,
    Contact,
}

/// What the mails of a kind show.
#[derive(Debug, Clone, Default)]
pub(crate) struct KindLayout {
    pub(crate) facts: Vec<String>,
    pub(crate) meter: bool,
    pub(crate) install: bool,
    pub(crate) button: Option<Button>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindSection {
    facts: Option<Vec<Spanned<String>>>,
    meter: Option<bool>,
    install: Option<bool>,
    button: Option<Button>,
}

type KindsFile = BTreeMap<Spanned<String>, KindSection>;

/// Reads the files; a value in a later file replaces the one in an earlier file. Every kind for customers has a layout.
pub(crate) fn read<'a>(
    files: impl IntoIterator<Item = &'a TemplateFile>,
) -> Result<BTreeMap<ActionKind, KindLayout>, TemplateError> {
    let mut layouts: BTreeMap<_, _> = ActionKind::for_customers().map(|kind| (kind, KindLayout::default())).collect();
    for file in files {
        let sections: KindsFile = toml::from_str(&file.source).map_err(|error| file.toml_error(&error))?;
        for (name, section) in &sections {
            check_name(name, file)?;
            check_facts(section, file)?;
        }
        for (kind, layout) in &mut layouts {
            // First the section for all kinds about the entity, so that the kind's own one replaces it.
            let names = entity(*kind).into_iter().chain([kind.as_str()]);
            names.filter_map(|name| sections.get(name)).for_each(|section| layout.lay_over(section));
        }
    }
    Ok(layouts)
}

/// The name of the section for all kinds that are about the entity that this kind is about.
fn entity(kind: ActionKind) -> Option<&'static str> {
    Some(match sample(kind)?.premise.subject()? {
        EntityKey::Esim(_) => "esim",
        EntityKey::Order(_) => "order",
        EntityKey::Payment(_) => "payment",
        EntityKey::Return(_) => "return",
    })
}

fn check_name(name: &Spanned<String>, file: &TemplateFile) -> Result<(), TemplateError> {
    let mut kinds = ActionKind::for_customers();
    if kinds.any(|kind| kind.as_str() == name.get_ref() || entity(kind) == Some(name.get_ref())) {
        return Ok(());
    }
    let kinds: Vec<_> = ActionKind::for_customers().map(ActionKind::as_str).collect();
    let message = format!("no such kind of mail; there are {}", kinds.join(", "));
    Err(file.error(line_at(&file.source, name.span().start), message))
}

fn check_facts(section: &KindSection, file: &TemplateFile) -> Result<(), TemplateError> {
    let unknown = section.facts.iter().flatten().find(|fact| !FACTS.contains(&fact.get_ref().as_str()));
    let Some(unknown) = unknown else { return Ok(()) };
    let message = format!("no such fact: {}; there are {}", unknown.get_ref(), FACTS.join(", "));
    Err(file.error(line_at(&file.source, unknown.span().start), message))
}

impl KindLayout {
    fn lay_over(&mut self, section: &KindSection) {
        if let Some(facts) = &section.facts {
            self.facts = facts.iter().map(|fact| fact.get_ref().clone()).collect();
        }
        self.meter = section.meter.unwrap_or(self.meter);
        self.install = section.install.unwrap_or(self.install);
        self.button = section.button.or(self.button);
    }
}
