//! The check of templates at start: every text is filled with every set of values that it may meet, and every kind is
//! put into its frames, so that nothing can fail for the first time when a customer waits.

use serde_json::{Map, Value, json};
use shared::contact::Contact;

use super::frame::{self, Parts};
use super::kinds::Shape;
use super::sample::{MAILED, sample, sample_brand, sample_contact};
use super::templates::{TemplateError, Templates};
use super::texts::{Text, TextFile};
use super::vars::{self, FACTS, OTHERS, Vars};
use super::{Brand, install};

/// A text that asks for more values than this is filled with all and with none of them; 2⁸ ways are enough to try.
const SUBSETS_OF_MAX: usize = 8;

pub(super) fn check(templates: &Templates) -> Result<(), TemplateError> {
    let Some(english) = templates.languages.get("en") else { return Ok(()) };
    for (tag, language) in &templates.languages {
        let file = TextFile { name: format!("{tag}.toml").into(), source: String::new() };
        language.check_against(english, &file)?;
        for (name, text) in &language.common.0 {
            let vars = values(templates, tag, &sample_of("low_data"), true);
            check_text(templates, tag, "common", name, text, &vars)?;
        }
        for (kind, words) in &language.kinds {
            let vars = values(templates, tag, &sample_of(kind), true);
            for (name, text) in &words.0 {
                check_text(templates, tag, kind, name, text, &vars)?;
            }
        }
        for (kind, shape) in &templates.kinds {
            check_frames(templates, tag, kind, shape)?;
        }
    }
    Ok(())
}

/// Fills a text with every subset of the values that it names; `brand` alone is always there.
fn check_text(
    templates: &Templates,
    tag: &str,
    section: &str,
    name: &str,
    text: &Text,
    full: &Vars,
) -> Result<(), TemplateError> {
    let template = templates.texts.get_template(&format!("{tag}/{section}.{name}"));
    let named = template.map_err(|error| templates.locate(&error))?.undeclared_variables(false);
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
        let filled = templates.fill(tag, section, name, &vars)?;
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

/// With everything there is, and with as little as there can be.
fn check_frames(templates: &Templates, tag: &str, kind: &str, shape: &Shape) -> Result<(), TemplateError> {
    let full = sample_of(kind);
    for (payload, is_full) in [(bare(&full), false), (full, true)] {
        let language = &templates.languages[tag];
        let vars = values(templates, tag, &payload, is_full);
        let install =
            shape.install.then(|| install::read(&payload, &language.install, frame::tips(language))).flatten();
        let percent = vars::used_percent(&payload).filter(|_| shape.meter);
        let brand = if is_full { sample_brand() } else { Brand::default() };
        frame::render(templates, tag, Parts { kind, shape, vars: &vars, install, percent, brand: &brand })?;
    }
    Ok(())
}

fn values(templates: &Templates, tag: &str, payload: &Value, is_full: bool) -> Vars {
    let language = &templates.languages[tag];
    let (contact, brand) =
        if is_full { (sample_contact(tag), sample_brand()) } else { (Contact::default(), Brand::default()) };
    vars::gather(payload, &contact, &brand, &language.labels, language.formats.of(None))
}

fn sample_of(kind: &str) -> Value {
    MAILED.iter().find(|mailed| mailed.as_str() == kind).map_or(Value::Null, |kind| sample(*kind))
}

/// What is left of a payload when all that may be missing is.
pub(super) fn bare(payload: &Value) -> Value {
    let mut bare = Map::new();
    if let Some(code) = payload.get("install").and_then(|install| install.get("activation_code")) {
        bare.insert("install".to_owned(), json!({ "activation_code": code }));
    }
    Value::Object(bare)
}
