//! The check of the templates at start: fills every text with every set of values that it may meet, and puts every kind
//! into its frames, so that no template fails for the first time while a customer waits for a mail.

use serde_json::{Map, Value, json};
use shared::action::ActionKind;
use shared::contact::Contact;

use crate::brand::Brand;
use crate::compiled::{Compiled, FALLBACK};
use crate::frame::{self, MailParts};
use crate::install;
use crate::kinds::KindLayout;
use crate::sample::{sample, sample_brand, sample_contact};
use crate::texts::{TemplateError, TemplateFile, Text};
use crate::vars::{self, FACTS, OTHERS, Vars};

/// A text that names more values than this is filled with all and with none of them. 2⁸ subsets are enough to try.
const SUBSETS_OF_MAX: usize = 8;

pub(crate) fn check(templates: &Compiled) -> Result<(), TemplateError> {
    let complete = &templates.languages()[FALLBACK];
    for (tag, language) in templates.languages() {
        language.check_against(complete, &TemplateFile::new(format!("{tag}.toml"), ""))?;
        for (name, text) in &language.common.0 {
            let vars = values(templates, tag, &payload(ActionKind::LowData), true);
            check_text(templates, tag, "common", name, text, &vars)?;
        }
        for (kind, texts) in &language.kinds {
            let payload = ActionKind::parse(kind).map_or(Value::Null, payload);
            let vars = values(templates, tag, &payload, true);
            for (name, text) in &texts.0 {
                check_text(templates, tag, kind, name, text, &vars)?;
            }
        }
        for (kind, layout) in templates.kinds() {
            check_frames(templates, tag, *kind, layout)?;
        }
    }
    Ok(())
}

/// Fills a text with every subset of the values that it names; `brand` alone is always there.
fn check_text(
    templates: &Compiled,
    tag: &str,
    section: &str,
    name: &str,
    text: &Text,
    full: &Vars,
) -> Result<(), TemplateError> {
    let named = templates.values_in_text(tag, section, name)?;
    if let Some(unknown) = named.iter().find(|named| !is_known(named)) {
        let line = text.source.lines().position(|line| line.contains(unknown.as_str())).unwrap_or_default();
        let message = format!("no such value: {unknown}; there are {}, {}", OTHERS.join(", "), FACTS.join(", "));
        return Err(TemplateError { file: text.file.to_string(), line: Some(text.line + line), message });
    }
    let optional: Vec<&str> = full.keys().copied().filter(|key| *key != "brand" && named.contains(*key)).collect();
    let subsets = if optional.len() > SUBSETS_OF_MAX { 2 } else { 1_usize << optional.len() };
    for subset in 0..subsets {
        let is_in = |key: &str| match optional.iter().position(|it| *it == key) {
            Some(at) if subsets > 2 || optional.len() == 1 => subset & (1 << at) != 0,
            Some(_) => subset == 1,
            None => true,
        };
        let vars: Vars = full.iter().filter(|(key, _)| is_in(key)).map(|(key, value)| (*key, value.clone())).collect();
        let filled = templates.fill_text(tag, section, name, &vars)?;
        if filled.trim().is_empty() {
            let message = format!("{section}.{name} is empty when some values are not known");
            return Err(TemplateError { file: text.file.to_string(), line: Some(text.line), message });
        }
    }
    Ok(())
}

fn is_known(name: &str) -> bool {
    FACTS.contains(&name) || OTHERS.contains(&name)
}

/// Renders a kind with all values, and with as few as possible.
fn check_frames(templates: &Compiled, tag: &str, kind: ActionKind, layout: &KindLayout) -> Result<(), TemplateError> {
    let full = payload(kind);
    for (payload, is_full) in [(bare(&full), false), (full, true)] {
        let language = &templates.languages()[tag];
        let vars = values(templates, tag, &payload, is_full);
        let install =
            layout.install.then(|| install::read(&payload, &language.install, frame::tips(language))).flatten();
        let percent = vars::used_percent(&payload).filter(|_| layout.meter);
        let brand = if is_full { sample_brand() } else { Brand::default() };
        frame::render(templates, tag, MailParts { kind, layout, vars: &vars, install, percent, brand: &brand })?;
    }
    Ok(())
}

fn values(templates: &Compiled, tag: &str, payload: &Value, is_full: bool) -> Vars {
    let language = &templates.languages()[tag];
    let (contact, brand) =
        if is_full { (sample_contact(tag), sample_brand()) } else { (Contact::default(), Brand::default()) };
    vars::gather(payload, &contact, &brand, &language.labels, language.formats.of(None))
}

fn payload(kind: ActionKind) -> Value {
    sample(kind).map_or(Value::Null, |action| action.payload.clone())
}

/// The payload without everything that may be missing.
pub(crate) fn bare(payload: &Value) -> Value {
    let mut bare = Map::new();
    if let Some(code) = payload.get("install").and_then(|install| install.get("activation_code")) {
        bare.insert("install".to_owned(), json!({ "activation_code": code }));
    }
    Value::Object(bare)
}
