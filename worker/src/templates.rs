//! Reads the shop's folder of templates, which the crate `mail` lays over the built-in ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use mail::{TemplateError, TemplateFile, Templates};

/// The built-in templates with those of the shop's folder over them.
pub(crate) fn load(folder: Option<&Path>) -> Result<Templates, TemplateError> {
    Templates::load(folder.map(read_folder).transpose()?.unwrap_or_default())
}

/// The templates in the folder by their file names, in the order of the names.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, TemplateFile>, TemplateError> {
    let wrong = |path: &Path, error: io::Error| TemplateError {
        file: path.display().to_string(),
        line: None,
        message: error.to_string(),
    };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|error| wrong(folder, error))? {
        let path = entry.map_err(|error| wrong(folder, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if mail::is_template(&name) {
            let source = fs::read_to_string(&path).map_err(|error| wrong(&path, error))?;
            files.insert(name, TemplateFile::new(path.display().to_string(), source));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use mail::Brand;
    use serde_json::Value;
    use shared::action::ActionKind;
    use shared::contact::Contact;

    use super::*;

    #[test]
    fn the_templates_of_a_folder_are_laid_over_the_built_in_ones() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("de.toml"), "[kinds.sim_shipped]\nsubject = \"Servus!\"\n").unwrap();
        fs::write(folder.path().join("notes.md"), "{{ no template").unwrap();
        let templates = load(Some(folder.path())).unwrap();
        let contact = Contact { locale: Some("de".to_owned()), ..Contact::default() };
        let mail = templates.render(ActionKind::SimShipped, &Value::Null, &contact, &Brand::default()).unwrap();
        assert_eq!(mail.subject, "Servus!");
    }

    #[test]
    fn what_is_broken_is_told_with_its_path() {
        let missing = load(Some(Path::new("/nowhere/at/all"))).unwrap_err();
        assert!(missing.to_string().starts_with("/nowhere/at/all: "), "{missing}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layout.txt");
        fs::write(&path, "x\n\n{{ nothing }}\n").unwrap();
        let broken = load(Some(folder.path())).unwrap_err().to_string();
        assert!(broken.starts_with(&format!("{}:3: ", path.display())), "{broken}");
    }
}
