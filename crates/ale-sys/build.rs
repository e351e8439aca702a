//! Compiles the C++ core of the Arcade Learning Environment if the feature `emulator` is on.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "emulator")]
    emulator::compile();
}

#[cfg(feature = "emulator")]
mod emulator {
    use softmoe_atari::{ARCHIVE, Files, SETUP, VARIABLE, VERSION};
    use std::path::{Path, PathBuf};
    use std::{env, fs, process};

    /// Source directories of the core, without the bindings to other languages and the vector environment.
    const DIRECTORIES: [&str; 6] = ["", "common", "emucore", "environment", "games", "games/supported"];
    /// Number of source files in these directories.
    const SOURCES: usize = 170;

    pub(super) fn compile() {
        for variable in [VARIABLE, "XDG_DATA_HOME", "HOME"] {
            println!("cargo:rerun-if-env-changed={variable}");
        }
        println!("cargo:rerun-if-changed=glue");
        let files = Files::find().unwrap_or_else(|error| stop(&error.to_string()));
        println!("cargo:rerun-if-changed={}", files.stamp().display());
        let source = files.source();
        let sources = sources(&source.join("ale"));
        if sources.len() != SOURCES {
            stop(&format!(
                "{} has {} source files of {ARCHIVE}, which has {SOURCES}: type `{SETUP}`",
                files.source().display(),
                sources.len()
            ));
        }
        let generated = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        if let Err(error) = fs::write(generated.join("version.hpp"), version()) {
            stop(&format!("cannot write to {}: {error}", generated.display()));
        }
        let zlib = env::var_os("DEP_Z_INCLUDE");
        let compile = |library: &str, files: &[PathBuf]| {
            let mut build = cc::Build::new();
            build.cpp(true).std("c++17").opt_level(3).debug(false).warnings(false);
            // With assertions, some inputs would abort the process.
            build.define("NDEBUG", None);
            build.include(&generated).include(&source);
            build.includes(zlib.iter()).files(files);
            if let Err(error) = build.try_compile(library) {
                stop(&format!(
                    "the Arcade Learning Environment does not compile: {error}. A C++17 compiler is needed (e.g. g++ 8 or clang 7, \
                     or newer); the variable CXX names another one"
                ));
            }
        };
        // The glue code comes first: the linker needs the caller before the callee.
        compile("softmoe_ale_glue", &["glue/glue.cpp".into()]);
        // Compiling ALE takes minutes. It is recompiled only if its files, the compiler or the target differ.
        let setting = |name: &str| env::var(name).unwrap_or_default();
        let target = setting("TARGET");
        let mut key = format!("{} {ARCHIVE} {target}", source.display());
        // Setup writes the stamp last.
        let installed = fs::metadata(files.stamp()).and_then(|stamp| stamp.modified());
        key += &format!(" {installed:?}");
        for name in ["CXX", "CXXFLAGS"] {
            for variable in
                [name.to_owned(), format!("{name}_{target}"), format!("{name}_{}", target.replace('-', "_"))]
            {
                println!("cargo:rerun-if-env-changed={variable}");
                key += &format!(" {}", setting(&variable));
            }
        }
        let key_file = generated.join("compiled");
        let is_compiled = fs::read_to_string(&key_file).is_ok_and(|compiled| compiled == key)
            && generated.join("libsoftmoe_ale.a").is_file();
        if is_compiled {
            println!("cargo:rustc-link-lib=static=softmoe_ale");
        } else {
            let _ = fs::remove_file(&key_file);
            compile("softmoe_ale", &sources);
            let _ = fs::write(&key_file, key);
        }
    }

    fn sources(ale: &Path) -> Vec<PathBuf> {
        let mut sources = Vec::new();
        for directory in DIRECTORIES {
            let Ok(entries) = ale.join(directory).read_dir() else { continue };
            let is_source = |path: &PathBuf| {
                path.extension().is_some_and(|extension| extension == "cpp" || extension == "cxx")
            };
            sources.extend(entries.flatten().map(|entry| entry.path()).filter(is_source));
        }
        sources.sort();
        sources
    }

    /// The contents of `version.hpp`, which ALE's own build generates.
    fn version() -> String {
        let mut parts = VERSION.split('.');
        let mut part = || parts.next().unwrap_or("0");
        let numbers =
            [("ALE_VERSION_MAJOR", part()), ("ALE_VERSION_MINOR", part()), ("ALE_VERSION_PATCH", part())];
        let texts =
            [("ALE_VERSION", VERSION), ("ALE_VERSION_GIT_SHA", "unknown"), ("STELLA_VERSION", "unknown")];
        let lines =
            numbers.into_iter().chain(texts).map(|(name, text)| format!("#define {name} \"{text}\"\n"));
        lines.collect()
    }

    /// Stops the build with an error message.
    fn stop(message: &str) -> ! {
        println!("cargo:error={message}");
        process::exit(1);
    }
}
