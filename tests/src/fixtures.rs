//! Fixtures: inputs and results that other implementations computed. Parity tests compare ours with them.
//!
//! Fixtures lie in the directory that the environment variable [`VARIABLE`] names, else in this crate's `fixtures`, where a
//! README describes them. A file is called `<topic>_<number>[_<word>].safetensors`. A test takes every size and every
//! case from the files, and so holds for files with other numbers.
//!
//! ```
//! use softmoe_tests::fixtures::cases;
//!
//! for fixture in cases("noisy") {
//!     let &[inputs, outputs] = fixture.shape("param/kernel_mu") else { panic!("a matrix") };
//!     assert_eq!(fixture.f32("param/kernel_mu").len(), inputs * outputs);
//!     fixture.assert_close("output", &fixture.f32("output"), "output");
//! }
//! ```
//!
//! # Tolerances
//!
//! The generators run the reference in double precision too. Metadata `f32_vs_f64_<group>_rel_to_max` is r, the largest
//! error of the reference's own single-precision result, relative to the tensor's largest value, over the
//! tensors of a group. A result passes if max|got - want| <= max(4 r, 1e-6) max|want| + 1e-9
//! ([`Fixture::assert_close`]). Intermediate tensors without an r get 2e-6 ([`Fixture::assert_intermediate`]).

use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The environment variable that names another directory of fixtures.
pub const VARIABLE: &str = "SOFTMOE_FIXTURES";

/// The directory of the fixtures.
pub fn directory() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(own_directory, PathBuf::from)
}

fn own_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The fixtures `<topic>_<number>[_<word>].safetensors` of the [`directory`], by number. The reference defines
/// their numbers.
///
/// # Panics
/// If there is none, so that a test cannot pass for want of cases; or if metadata `definition` says that we defined a
/// file's numbers.
pub fn cases(topic: &str) -> Vec<Fixture> {
    defined_by(None, files_in(&directory(), topic))
}

/// As [`cases`], of numbers that we defined: the release has no such thing. The name of a test that takes them says
/// so.
///
/// # Panics
/// If there is none, or if a file does not say `definition: ours`.
pub fn cases_of_own_definition(topic: &str) -> Vec<Fixture> {
    defined_by(Some("ours"), files_in(&directory(), topic))
}

/// As [`cases`], from this crate's own directory where the other has no file of that topic: a topic that older
/// generators do not make.
///
/// # Panics
/// As [`cases`].
pub fn cases_of_new_topic(topic: &str, definition: Option<&str>) -> Vec<Fixture> {
    let directory = directory();
    let there = !list(&directory, topic).is_empty();
    defined_by(definition, files_in(&if there { directory } else { own_directory() }, topic))
}

fn defined_by(definition: Option<&str>, files: Vec<PathBuf>) -> Vec<Fixture> {
    let open = |path: PathBuf| {
        let fixture = Fixture::open(&path);
        let says = fixture.metadata.get("definition").map(String::as_str);
        assert_eq!(says, definition, "{}: who defined its numbers", fixture.name);
        fixture
    };
    files.into_iter().map(open).collect()
}

fn files_in(directory: &Path, topic: &str) -> Vec<PathBuf> {
    let files = list(directory, topic);
    assert!(
        !files.is_empty(),
        "{} holds no {topic}_<number>*.safetensors; {VARIABLE} names the directory of fixtures",
        directory.display()
    );
    files
}

/// The files of a topic, by number.
fn list(directory: &Path, topic: &str) -> Vec<PathBuf> {
    let number = |path: &Path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".safetensors")?;
        let rest = name.strip_prefix(topic)?.strip_prefix('_')?;
        rest.split('_').next()?.parse::<usize>().ok()
    };
    let entries = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("fixtures of {} cannot be listed: {error}", directory.display()));
    let mut files: Vec<(usize, PathBuf)> = entries
        .map(|entry| entry.expect("an entry of the directory of fixtures").path())
        .filter_map(|path| Some((number(&path)?, path)))
        .collect();
    files.sort();
    files.into_iter().map(|(_, path)| path).collect()
}

/// A file of named tensors.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The file's name, for messages.
    name: String,
    tensors: BTreeMap<String, Tensor>,
    metadata: BTreeMap<String, String>,
    /// What tolerances are multiplied by.
    factor: f64,
}

#[derive(Clone, Debug)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    /// Little-endian.
    bytes: Vec<u8>,
}

impl Fixture {
    /// Reads a file.
    ///
    /// # Panics
    /// If it cannot be read, or is no safetensors file.
    pub fn open(path: &Path) -> Self {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (header, tensors) = SafeTensors::read_metadata(&bytes)
            .and_then(|(_, header)| Ok((header, SafeTensors::deserialize(&bytes)?)))
            .unwrap_or_else(|error| panic!("{name} is no safetensors file: {error}"));
        let tensor = |view: safetensors::tensor::TensorView<'_>| Tensor {
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        };
        Fixture {
            tensors: tensors.tensors().into_iter().map(|(name, view)| (name, tensor(view))).collect(),
            factor: 1.0,
            metadata: header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
            name,
        }
    }

    /// The same with tolerances that many times as wide, for a device whose sums are known to round more.
    #[must_use]
    pub fn with_factor(&self, factor: f64) -> Self {
        Fixture { factor, ..self.clone() }
    }

    /// The file's path, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the tensors, in alphabetical order.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    /// Sizes of a tensor.
    ///
    /// # Panics
    /// If there is no tensor of that name.
    pub fn shape(&self, tensor: &str) -> &[usize] {
        &self.tensor(tensor).shape
    }

    /// Values of a tensor of single-precision numbers, row-major.
    ///
    /// # Panics
    /// If there is no tensor of that name and type.
    pub fn f32(&self, tensor: &str) -> Vec<f32> {
        self.words(tensor, Dtype::F32).map(f32::from_le_bytes).collect()
    }

    /// Values of a tensor of bytes (observations, masks, terminals), row-major.
    ///
    /// # Panics
    /// If there is no tensor of that name and type.
    pub fn u8(&self, tensor: &str) -> Vec<u8> {
        self.words(tensor, Dtype::U8).map(u8::from_le_bytes).collect()
    }

    /// Values of a tensor of 32-bit integers (indices), row-major.
    ///
    /// # Panics
    /// If there is no tensor of that name and type.
    pub fn i32(&self, tensor: &str) -> Vec<i32> {
        self.words(tensor, Dtype::I32).map(i32::from_le_bytes).collect()
    }

    /// A value of the metadata.
    ///
    /// # Panics
    /// If it is missing or not of type `T`.
    pub fn metadata<T: FromStr>(&self, key: &str) -> T {
        let text = self.text(key);
        text.parse().unwrap_or_else(|_| {
            panic!("{}: metadata {key} is {text:?}, not of type {}", self.name, std::any::type_name::<T>())
        })
    }

    /// A value of the metadata that is `True` or `False`.
    ///
    /// # Panics
    /// If it is missing or neither.
    pub fn flag(&self, key: &str) -> bool {
        match self.text(key) {
            "True" => true,
            "False" => false,
            other => panic!("{}: metadata {key} is {other:?}, not True or False", self.name),
        }
    }

    /// The share of a tensor's largest value that an error may have, max(4 r, 1e-6).
    ///
    /// # Panics
    /// If the file has no r for the group.
    pub fn tolerance(&self, group: &str) -> f64 {
        self.factor * (4.0 * self.metadata::<f64>(&format!("f32_vs_f64_{group}_rel_to_max"))).max(1e-6)
    }

    /// Compares `got` with a tensor, as exactly as the reference itself is known for the tensor's `group`.
    ///
    /// # Panics
    /// If the lengths differ, or a value lies outside the [tolerance](self#tolerances).
    #[track_caller]
    pub fn assert_close(&self, tensor: &str, got: &[f32], group: &str) {
        self.assert_within(tensor, got, self.tolerance(group));
    }

    /// Compares `got` with a tensor whose own error is not known: within 2e-6 of the largest value.
    ///
    /// # Panics
    /// If the lengths differ, or a value lies outside the tolerance.
    #[track_caller]
    pub fn assert_intermediate(&self, tensor: &str, got: &[f32]) {
        self.assert_within(tensor, got, self.factor * 2e-6);
    }

    #[track_caller]
    fn assert_within(&self, tensor: &str, got: &[f32], relative: f64) {
        let want = self.f32(tensor);
        let largest = want.iter().fold(0.0_f64, |largest, &want| largest.max(f64::from(want).abs()));
        assert_near(&format!("{}: {tensor}", self.name), got, &want, relative * largest + 1e-9);
    }

    fn tensor(&self, tensor: &str) -> &Tensor {
        self.tensors.get(tensor).unwrap_or_else(|| {
            let names: Vec<_> = self.tensors().collect();
            panic!("{} has no tensor {tensor}; it has {}", self.name, names.join(", "))
        })
    }

    fn words<const BYTES: usize>(&self, name: &str, dtype: Dtype) -> impl Iterator<Item = [u8; BYTES]> {
        let tensor = self.tensor(name);
        assert_eq!(tensor.dtype, dtype, "{}: type of {name}", self.name);
        tensor.bytes.as_chunks().0.iter().copied()
    }

    fn text(&self, key: &str) -> &str {
        self.metadata.get(key).unwrap_or_else(|| panic!("{} has no metadata {key}", self.name))
    }
}

/// Compares two lists of numbers.
///
/// # Panics
/// If their lengths differ or two values differ by more than `absolute` (or are not numbers); the message
/// begins with `what`, and shows the worst.
#[track_caller]
pub fn assert_near(what: &str, got: &[f32], want: &[f32], absolute: f64) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let errors = got.iter().zip(want).map(|(&got, &want)| (f64::from(got) - f64::from(want)).abs());
    let worst = errors.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((index, error)) = worst {
        // Not `error > absolute`, which would let NaN pass.
        let near = error <= absolute;
        assert!(
            near,
            "{what}: value {index} of {} is {:e}, should be {:e}; off by {error:e}, allowed {absolute:e}",
            want.len(),
            got[index],
            want[index]
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Fixture, assert_near, defined_by, files_in};
    use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
    use std::collections::HashMap;

    /// A directory with `case_10_word.safetensors` of one tensor, and files that are not of that topic.
    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = [1.0_f32, -4.0].into_iter().flat_map(f32::to_le_bytes).collect();
        let view = TensorView::new(Dtype::F32, vec![1, 2], &bytes).unwrap();
        let metadata = [("f32_vs_f64_output_rel_to_max", "1e-6"), ("noisy", "True"), ("n", "3")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let path = directory.path().join("case_10_word.safetensors");
        serialize_to_file([("output", view)], Some(HashMap::from(metadata)), &path).unwrap();
        for name in ["case_2.safetensors", "case_loss_0.safetensors", "case_3.json", "other_1.safetensors"] {
            std::fs::copy(&path, directory.path().join(name)).unwrap();
        }
        directory
    }

    fn fixture() -> Fixture {
        Fixture::open(&directory().path().join("case_10_word.safetensors"))
    }

    #[test]
    fn files_of_a_topic_come_by_number() {
        let directory = directory();
        let files = files_in(directory.path(), "case");
        let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["case_2.safetensors", "case_10_word.safetensors"]);
    }

    #[test]
    #[should_panic(expected = "holds no cases_<number>*.safetensors")]
    fn a_topic_without_files_is_refused() {
        files_in(directory().path(), "cases");
    }

    #[test]
    #[should_panic(expected = "who defined its numbers")]
    fn numbers_of_the_reference_are_not_taken_for_ours() {
        defined_by(Some("ours"), files_in(directory().path(), "case"));
    }

    #[test]
    fn tensors_and_metadata_are_read() {
        let fixture = fixture();
        assert_eq!(fixture.shape("output"), [1, 2]);
        assert_eq!(fixture.f32("output"), [1.0, -4.0]);
        assert_eq!(fixture.metadata::<usize>("n"), 3);
        assert!(fixture.flag("noisy"));
    }

    #[test]
    fn the_rule_allows_four_times_the_references_own_error() {
        let fixture = fixture();
        assert_eq!(fixture.tolerance("output"), 4e-6);
        // 4e-6 of the largest value, 4, is 1.6e-5.
        fixture.assert_close("output", &[1.0 + 1.5e-5, -4.0], "output");
        let beyond = || fixture.assert_close("output", &[1.0 + 1.7e-5, -4.0], "output");
        assert!(std::panic::catch_unwind(beyond).is_err());
        // 2e-6 of it is 8e-6.
        fixture.assert_intermediate("output", &[1.0 + 7e-6, -4.0]);
        assert!(
            std::panic::catch_unwind(|| fixture.assert_intermediate("output", &[1.0 + 9e-6, -4.0])).is_err()
        );
    }

    #[test]
    #[should_panic(expected = "value 1 of 2 is NaN")]
    fn what_is_no_number_is_not_near() {
        assert_near("case", &[0.0, f32::NAN], &[0.0, 0.0], 1.0);
    }

    #[test]
    #[should_panic(expected = "has no tensor input; it has output")]
    fn a_missing_tensor_is_named() {
        fixture().f32("input");
    }
}
