//! Shows the mails to whoever changes them: each kind's sample as a page of its own, or all of them with an index.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use mail::{Brand, Mail, Templates, sample, sample_brand, sample_contact};
use shared::action::ActionKind;

use crate::templates;

/// What to show.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// Which mail, such as `esim_ready`
    #[arg(required_unless_present = "all")]
    kind: Option<String>,
    /// The customer's language, such as de-AT
    #[arg(long, default_value = "en")]
    locale: String,
    /// A folder with templates of your own
    #[arg(long)]
    templates: Option<PathBuf>,
    /// Print the plain text instead of the page
    #[arg(long)]
    text: bool,
    /// The shop's name
    #[arg(long)]
    brand_name: Option<String>,
    /// The shop's colour, such as #0b5cad
    #[arg(long)]
    brand_color: Option<String>,
    /// Write every kind in every language, and an index
    #[arg(long, conflicts_with_all = ["kind", "text"])]
    all: bool,
    /// The folder to write to
    #[arg(long, conflicts_with = "kind")]
    out: Option<PathBuf>,
    /// How wide the index shows each mail, in pixels: 360 is a phone
    #[arg(long, default_value_t = 640)]
    width: u16,
}

/// Prints one sample, or writes all.
pub fn run(args: &PreviewArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let templates = templates::load(args.templates.as_deref()).context("reading the templates")?;
    if args.all {
        let folder = args.out.as_deref().context("--all needs --out, the folder to write to")?;
        let pages = write_all(&templates, args, folder)?;
        writeln!(out, "{pages} mails in {}", folder.join("index.html").display())?;
        return Ok(());
    }
    let kind = find(args.kind.as_deref().unwrap_or_default())?;
    let mail = render(&templates, kind, &args.locale, &brand(args)?)?;
    let shown = if args.text { format!("{}\n\n{}", mail.subject, mail.text) } else { page(&mail) };
    out.write_all(shown.as_bytes())?;
    Ok(())
}

fn find(name: &str) -> anyhow::Result<ActionKind> {
    if let Some(kind) = ActionKind::for_customers().find(|kind| kind.as_str() == name) {
        return Ok(kind);
    }
    let names: Vec<_> = ActionKind::for_customers().map(ActionKind::as_str).collect();
    bail!("no mail is written for {name:?}; there are {}", names.join(", "))
}

fn brand(args: &PreviewArgs) -> anyhow::Result<Brand> {
    let sample = sample_brand();
    let brand = Brand {
        name: args.brand_name.clone().unwrap_or(sample.name),
        color: args.brand_color.clone().unwrap_or(sample.color),
        ..sample_brand()
    };
    let problems = brand.problems();
    if problems.is_empty() { Ok(brand) } else { bail!(problems.join("; ")) }
}

fn render(templates: &Templates, kind: ActionKind, locale: &str, brand: &Brand) -> anyhow::Result<Mail> {
    let action = sample(kind).with_context(|| format!("there is no sample of {kind}"))?;
    let mail = templates.render(kind, &action.payload, &sample_contact(locale), brand);
    mail.with_context(|| format!("rendering {kind} in {locale}"))
}

/// The mail's HTML with its pictures inside, as a browser can show it.
fn page(mail: &Mail) -> String {
    mail.inline.iter().fold(mail.html.clone(), |html, picture| {
        let data = format!("data:{};base64,{}", picture.media_type, STANDARD.encode(&picture.bytes));
        html.replace(&format!("cid:{}", picture.content_id), &data)
    })
}

fn write_all(templates: &Templates, args: &PreviewArgs, folder: &Path) -> anyhow::Result<usize> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    let brand = brand(args)?;
    let mut rows = String::new();
    let mut pages = 0;
    for kind in ActionKind::for_customers() {
        write!(rows, "<h2 id=\"{kind}\">{kind}</h2>\n<div class=\"row\">\n")?;
        for language in templates.languages() {
            let mail = render(templates, kind, language, &brand)?;
            let name = format!("{kind}.{language}");
            write(&format!("{name}.html"), &page(&mail))?;
            write(&format!("{name}.txt"), &format!("{}\n\n{}", mail.subject, mail.text))?;
            writeln!(rows, "{}", figure(&name, language, args.width))?;
            pages += 1;
        }
        rows.push_str("</div>\n");
    }
    write("index.html", &index(&rows))?;
    Ok(pages)
}

fn figure(name: &str, language: &str, width: u16) -> String {
    format!(
        "<figure><figcaption>{language}: <a href=\"{name}.html\">page</a>, <a href=\"{name}.txt\">text</a></figcaption>\
         <iframe src=\"{name}.html\" width=\"{width}\" height=\"720\" loading=\"lazy\" title=\"{name}\"></iframe></figure>"
    )
}

fn index(rows: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mails</title><style>\
         body {{ font: 15px/1.5 sans-serif; margin: 24px; }} .row {{ display: flex; gap: 16px; overflow-x: auto; }} \
         figure {{ margin: 0; }} iframe {{ border: 1px solid #ccc; }}</style></head><body>\n<h1>Mails</h1>\n{rows}\
         </body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: PreviewArgs,
    }

    fn print(line: &[&str]) -> anyhow::Result<String> {
        let args = Line::try_parse_from([&["preview"], line].concat())?.args;
        let mut out = Vec::new();
        run(&args, &mut out)?;
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn a_page_stands_on_its_own() {
        let page = print(&["esim_ready", "--locale", "de-AT", "--brand-color", "#ffd400"]).unwrap();
        assert!(page.contains("<html lang=\"de\"") && page.contains("src=\"data:image/png;base64,"));
        assert!(!page.contains("cid:") && page.contains("#ffd400"));
        assert!(print(&["low_data", "--text"]).unwrap().starts_with("80% of your data is used\n\n"));
    }

    #[test]
    fn all_pages_have_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mails");
        let told = print(&["--all", "--out", path.to_str().unwrap(), "--width", "360"]).unwrap();
        assert!(told.starts_with("80 mails in "), "{told}");
        let index = fs::read_to_string(path.join("index.html")).unwrap();
        for page in ["esim_ready.ja.html", "payout_failed.es.txt"] {
            assert!(index.contains(page) && path.join(page).is_file(), "{page}");
        }
    }

    #[test]
    fn what_is_asked_for_wrongly_is_refused() {
        for line in
            [&["nothing"][..], &[], &["--all"], &["low_data", "--out", "x"], &["low_data", "--brand-color", "red"]]
        {
            print(line).unwrap_err();
        }
    }
}
