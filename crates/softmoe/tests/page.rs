//! The page of made-up runs, as a reader of its HTML and of its JSON finds it.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};
use serde_json::Value;
use softmoe_config::{Done, MinAtarGame, Session, file};
use std::fs;

mod workshop;

use workshop::{EXPERIMENT, Workshop, assert_says};

/// An element of a page: its name and attributes, and the text up to the next tag.
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The elements of a page, in order.
fn elements(page: &str) -> Vec<Element> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let mut elements: Vec<Element> = Vec::new();
    let mut emitter = DefaultEmitter::default();
    // The contents of scripts and styles are not markup.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(page, emitter) {
        match token.expect("a token") {
            Token::StartTag(tag) => elements.push(Element {
                name: text(&tag.name),
                attributes: tag.attributes.iter().map(|(key, value)| (text(key), text(value))).collect(),
                text: String::new(),
            }),
            Token::String(string) => {
                if let Some(last) = elements.last_mut() {
                    last.text += &text(&string);
                }
            }
            Token::Error(error) => panic!("not well-formed: {error:?}"),
            _ => {}
        }
    }
    elements
}

/// The data of a page.
fn data(page: &str) -> Value {
    let elements = elements(page);
    let script =
        elements.iter().find(|element| element.attribute("id") == Some("report-data")).expect("data");
    assert_eq!((script.name.as_str(), script.attribute("type")), ("script", Some("application/json")));
    serde_json::from_str(&script.text).expect("JSON")
}

fn strings<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().map(|of| of[key].as_str().expect("a string")).collect()
}

#[test]
fn the_json_in_the_page_has_the_numbers_of_the_other_files() {
    let workshop = Workshop::new();
    let page = workshop.page();
    let data = data(&page);
    let read = |name: &str| fs::read_to_string(workshop.path("results/demo/tiny").join(name)).expect(name);
    assert_eq!(data["format"], 1);
    let figure = &data["figures"][0];
    assert_eq!((&figure["figure"], &figure["profile"]), (&"demo".into(), &"tiny".into()));
    let results = &figure["results"];

    // scores.csv, number by number.
    let csv = read("scores.csv");
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let scores = results["scores"].as_array().expect("scores");
    assert_eq!((rows.len(), scores.len()), (24, 24));
    for (row, score) in rows.iter().zip(scores) {
        let number = |key: &str| score[key].as_f64().expect("a number");
        assert_eq!(
            [row[0], row[1]],
            [&score["arm"], &score["game"]].map(|name| name.as_str().expect("a name"))
        );
        for (text, key) in row[2..].iter().zip(["seed", "agent_steps", "score", "second_half"]) {
            // The reader of JSON may miss the last bit.
            let text: f64 = text.parse().expect("a number");
            assert!((text - number(key)).abs() <= f64::EPSILON * text.abs(), "{row:?}: {key}");
        }
    }

    // verdict.md and table.md, text by text.
    let (verdict, table) = (read("verdict.md"), read("table.md"));
    let rules = results["verdict"]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), 3);
    for rule in rules {
        let [says, value, asks, outcome, power] =
            ["says", "value", "supported_if", "outcome", "power"].map(|key| rule[key].as_str().expect(key));
        let of = rule["difference"].as_str().expect("a difference");
        assert_says(&verdict, &[&format!("| {says} | {of} | {value} | {asks} | {outcome} | {power} |")]);
    }
    assert_says(
        &verdict,
        &[&format!("# A demonstration: {}", results["verdict"]["sentence"].as_str().expect("words"))],
    );
    for row in results["tables"]["scores"]["rows"].as_array().expect("rows") {
        let cells: Vec<&str> =
            row.as_array().expect("cells").iter().map(|cell| cell.as_str().expect("text")).collect();
        assert_says(&table, &[&format!("| {} |", cells.join(" | "))]);
    }
    // By hand: soft is (9.1 - 1.1) / (5.1 - 1.1).
    let iqm = results["arms"][1]["iqm"]["value"].as_f64().expect("an IQM");
    assert!((iqm - 2.0).abs() < 1e-12, "{iqm}");

    // What a reader sees.
    let seen: Vec<String> = elements(&page).into_iter().map(|element| element.text).collect();
    for text in ["A demonstration", "soft gains over flat", "Almost everything.", "supported", "SoftMoE-4"] {
        assert!(seen.iter().any(|seen| seen.contains(text)), "{text}");
    }
}

#[test]
fn curves_and_diagnostics_are_means_over_runs() {
    let workshop = Workshop::new();
    for seed in 0..3_u32 {
        // The last run has one evaluation fewer, and a value that is no number.
        let mut text = "agent_steps,name,value\n".to_owned();
        for k in 1..=if seed == 2 { 3 } else { 4 } {
            text += &format!("{},dormant/all,{}\n", k * 2500, f64::from(seed) + f64::from(k) / 8.0);
        }
        text += "2500,usage/0,NaN\n";
        let run = workshop.run("soft", MinAtarGame::Asterix, u64::from(seed));
        fs::write(run.diagnostics_csv(), text).expect("written");
    }
    let data = data(&workshop.page());
    let results = &data["figures"][0]["results"];
    let expected = serde_json::json!([{
        "name": "dormant/all",
        "game": "asterix",
        "lines": [{ "arm": "soft", "runs": 3, "x": [2500.0, 5000.0, 7500.0], "y": [1.125, 1.25, 1.375] }],
    }]);
    assert_eq!(results["diagnostics"], expected);

    let panel = &results["pictures"]["curves"]["sections"][0]["panels"][0];
    assert_eq!(panel["title"], "breakout");
    assert_eq!(strings(&panel["lines"], "label"), ["flat", "SoftMoE-4", "flat x4"]);
    // Seeds score 9, 9.1 and 9.2; the curve rises to them in quarters.
    assert_eq!(panel["lines"][1]["x"], serde_json::json!([2500.0, 5000.0, 7500.0, 10000.0]));
    assert_eq!(panel["lines"][1]["y"], serde_json::json!([2.275, 4.55, 6.825, 9.1]));
}

/// Texts of files stay texts: as cells, as attributes and in the JSON.
#[test]
fn nothing_in_a_file_becomes_markup() {
    let hostile = r#"</script><img src=x onerror=alert(1)><!--"'&amp;"#;
    let ron = hostile.replace('"', "\\\"");
    let text = EXPERIMENT
        .replace("A demonstration", &ron)
        .replace("SoftMoE-4", &ron)
        .replace("Soft is better than flat", &ron)
        .replace("Almost everything.", &ron)
        .replace("wide does not gain", &ron);
    let workshop = Workshop::of(&text);
    for seed in 0..3 {
        let run = workshop.run("soft", MinAtarGame::Asterix, seed);
        let mut done: Done = file::read(&run.done_ron()).expect("read");
        let name = || Some(hostile.to_owned());
        done.sessions =
            vec![Session { host: name(), device_name: name(), device: hostile.into(), ..Session::default() }];
        file::write(&run.done_ron(), &done).expect("written");
        fs::write(
            run.diagnostics_csv(),
            format!("agent_steps,name,value\n1,\"{}\",2\n", hostile.replace('"', "\"\"")),
        )
        .expect("written");
        fs::write(run.path().join("<img src=x>.gif"), "").expect("written");
    }
    let page = workshop.page();
    let elements = elements(&page);
    assert!(!elements.iter().any(|element| element.name == "img"), "a text became a picture");
    let named = |name: &str| elements.iter().filter(|element| element.name == name).count();
    assert_eq!((named("script"), named("style")), (3, 1));
    for element in &elements {
        assert!(!element.attributes.iter().any(|(name, _)| name.starts_with("on")), "{} acts", element.name);
    }
    // And they are all there, as they were.
    let data = data(&page);
    let results = &data["figures"][0]["results"];
    assert_eq!(data["figures"][0]["title"], hostile);
    assert_eq!(results["arms"][1]["label"], hostile);
    assert_eq!(results["diagnostics"][0]["name"], hostile);
    assert!(elements.iter().any(|element| element.name == "h2" && element.text.contains(hostile)));
    let film = elements
        .iter()
        .filter_map(|element| element.attribute("href"))
        .find(|address| address.ends_with(".gif"));
    assert_eq!(film, Some("../runs/tiny/soft/asterix/seed-0/%3Cimg%20src%3Dx%3E.gif"));
}

/// A page that is opened from a disk must send no request.
#[test]
fn a_page_loads_nothing() {
    let workshop = Workshop::new();
    fs::write(workshop.run("soft", MinAtarGame::Breakout, 1).path().join("film.gif"), "GIF89a")
        .expect("written");
    let page = workshop.page();
    for element in elements(&page) {
        assert!(
            !["link", "iframe", "object", "embed", "base", "form"].contains(&element.name.as_str()),
            "{}",
            element.name
        );
        for (name, value) in &element.attributes {
            match name.as_str() {
                "src" => assert!(value.starts_with("data:"), "{value}"),
                "href" => assert!(value.starts_with('#') || value.starts_with("../"), "{value}"),
                "srcset" | "action" | "poster" | "background" => panic!("{name}={value}"),
                _ => {}
            }
        }
        if element.name == "style" {
            assert!(!element.text.contains("url(") && !element.text.contains("@import"));
        }
        if element.name == "script" {
            // The only address is the name of a vocabulary.
            let addresses: Vec<&str> =
                element.text.match_indices("://").map(|(at, _)| &element.text[at..at + 12]).collect();
            assert!(addresses.iter().all(|address| *address == "://www.w3.or"), "{addresses:?}");
        }
    }
    // Links lead from the page to what is there.
    let address = "../runs/tiny/soft/breakout/seed-1/film.gif";
    assert!(workshop.path("report").join(address).exists());
    assert_eq!(data(&page)["films"][0]["address"], address);
    assert_says(&page, &[&format!("href=\"{address}\""), "../results/demo/tiny/figure.pdf"]);
}

#[test]
fn only_what_was_asked_for_is_shown_and_the_rest_is_named() {
    let workshop = Workshop::new();
    let (success, _, stderr) = workshop.write_page(&[]);
    assert!(!success);
    assert_says(&stderr, &["there are no results in", "`reproduce fig3 --profile smoke`"]);

    workshop.page();
    for (figure, profile) in [("demo", "other"), ("fig10", "tiny"), ("fig3", "tiny")] {
        assert!(workshop.report_to(&format!("results/{figure}/{profile}"), &[]).0);
        let path = workshop.path("results").join(figure).join(profile).join("report.json");
        let text = fs::read_to_string(&path).expect("read");
        let text = text.replacen("\"figure\":\"demo\"", &format!("\"figure\":\"{figure}\""), 1);
        fs::write(&path, text.replacen("\"profile\":\"tiny\"", &format!("\"profile\":\"{profile}\""), 1))
            .expect("written");
    }
    fs::create_dir_all(workshop.path("results/fig4/tiny")).expect("made");
    let shown = |arguments: &[&str]| {
        let (success, stdout, stderr) = workshop.write_page(arguments);
        assert!(success, "{stderr}");
        let page = fs::read_to_string(workshop.path("report/index.html")).expect("a page");
        let data = data(&page);
        let names: Vec<String> = (data["figures"].as_array().expect("figures").iter())
            .map(|figure| {
                format!("{} {}", figure["figure"].as_str().unwrap(), figure["profile"].as_str().unwrap())
            })
            .collect();
        (names, stdout, stderr)
    };
    let (names, stdout, _) = shown(&[]);
    assert_eq!(names, ["fig3 tiny", "fig10 tiny", "demo other", "demo tiny"]);
    assert_says(&stdout, &["4 figures", "index.html"]);
    assert_eq!(shown(&["--profile", "other"]).0, ["demo other"]);
    assert_eq!(shown(&["--profile", "other", "--profile", "tiny"]).0.len(), 4);
    let (success, _, stderr) = workshop.write_page(&["--profile", "tinny"]);
    assert!(!success);
    assert_says(&stderr, &["did you mean `tiny`?"]);

    // Results of a version without data, and files that this version cannot read.
    fs::remove_file(workshop.path("results/fig3/tiny/report.json")).expect("removed");
    let (names, _, stderr) = shown(&[]);
    assert_eq!(names.len(), 3);
    assert_says(&stderr, &["warning: ", "fig3/tiny is left out", "`cargo xtask reproduce` adds"]);
    let path = workshop.path("results/demo/tiny/report.json");
    let whole = fs::read_to_string(&path).expect("read");
    let before = fs::read(workshop.path("report/index.html")).expect("read");
    for (text, said) in [
        (whole.replacen("\"format\":1", "\"format\":99", 1), "has format 99"),
        (whole[..whole.len() / 2].to_owned(), "is not what this version writes"),
        ("[]".to_owned(), "is not what this version writes"),
    ] {
        fs::write(&path, text).expect("written");
        let (success, _, stderr) = workshop.write_page(&[]);
        assert!(!success);
        assert_says(&stderr, &["report.json", said]);
    }
    assert!(fs::read(workshop.path("report/index.html")).expect("read") == before, "the last page is lost");
}

/// The page contains nothing beyond `report.json`, so the same runs give the same page.
#[test]
fn the_same_results_give_the_same_page() {
    let workshop = Workshop::new();
    assert!(workshop.page() == workshop.page());
}
