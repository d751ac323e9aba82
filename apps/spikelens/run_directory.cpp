#include "run_directory.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/explainer.h"

#include "interrupt.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_trained(const RunDirectory& files) { return fs::exists(files.manifest()) && fs::exists(files.model()); }

bool lies_in(const fs::path& path, const fs::path& folder) {
    const fs::path inner = fs::weakly_canonical(path), outer = fs::weakly_canonical(folder);
    return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

/// Takes out of an evaluation what was measured with other relevant filters, probes or surrogate than the run has.
void leave_out_stale_methods(const OpenRun& run, json& document, Console& console) {
    std::vector<std::string> stale;
    const json now = {
        {"relevant", digest_in(run.files.relevant())}, {"probe", digest_in(run.files.probe())}, {"surrogate", run.surrogate()}};
    for (const json& method : document["methods"])
        if (std::ranges::any_of(std::array{"relevant", "probe", "surrogate"},
                                [&](const char* input) { return method.contains(input) && method[input] != now[input]; }))
            stale.push_back(method["method"]);
    if (stale.empty()) return;
    const auto is_stale = [&](const json& name) {
        return name.is_string() && std::ranges::find(stale, name.get<std::string>()) != stale.end();
    };
    std::erase_if(document["methods"].get_ref<json::array_t&>(), [&](const json& m) { return is_stale(m["method"]); });
    if (document.contains("differences") && document["differences"].is_array())
        std::erase_if(document["differences"].get_ref<json::array_t&>(), [&](const json& d) {
            return d.is_object() && (is_stale(d.value("a", json())) || is_stale(d.value("b", json())));
        });
    console.message(fmt::format(
        "left out: {} of {}, measured with other relevant filters, probes or surrogate; spikelens evaluate {} --methods {} "
        "makes it anew",
        fmt::join(stale, ", "), run.files.result("evaluate").string(), run.files.root.string(), fmt::join(stale, ",")));
}

}  // namespace

void say_warnings(const OpenRun& run, Console& console) {
    for (const std::string& warning : run.warnings) console.message_at_end("warning: " + warning);
}

OpenRun open_run(const fs::path& root) {
    if (!fs::is_directory(root))
        throw InputError("there is no run directory " + root.string() + "; make one with spikelens train --out " +
                         root.string());
    if (!is_trained(RunDirectory{root}))
        throw InputError(root.string() + " holds no finished training; spikelens train --out " + root.string() +
                         " starts or continues one");
    return OpenRun::open(root);
}

WrittenRun open_to_write(const fs::path& root, const Globals& globals, Console& console) {
    WrittenRun written;
    if (is_trained(RunDirectory{root})) written.lock = lock_run(root, globals, console);  // no lock where there is no run
    written.run = open_run(root);
    if (globals.locks.empty()) say_warnings(written.run, console);  // else who made the run has said them
    return written;
}

std::shared_ptr<const RunLock> lock_run(const fs::path& root, const Globals& globals, Console& console) {
    for (const auto& held : globals.locks)
        if (held->covers(root)) return held;
    if (globals.no_wait) return std::make_shared<const RunLock>(root);
    bool said = false;
    return std::make_shared<const RunLock>(root, [&] {
        if (asked_to_stop()) throw Cancelled();
        if (!std::exchange(said, true))
            console.message("waiting: another process is writing into " + root.string() + " (--no-wait ends instead)");
    });
}

WrittenRun open_for_output(const fs::path& root, const fs::path& out, const Globals& globals, Console& console) {
    if (out.empty() || lies_in(out, root)) return open_to_write(root, globals, console);
    WrittenRun opened{nullptr, open_run(root)};
    say_warnings(opened.run, console);
    return opened;
}

json result_of(const OpenRun& run, const std::string& stage, Console& console) {
    json document = run.document(stage);
    if (document.is_null()) return nullptr;
    std::string reason = run.why_stale(document);
    if (reason.empty() && document.contains("relevant") && document["relevant"] != digest_in(run.files.relevant()))
        reason = "other relevant filters";
    if (!reason.empty()) {
        const std::string sentence = stale_sentence(run, run.files.result(stage), reason, stage);
        if (stage == "train") throw InputError(sentence);  // model and record of one training contradict each other
        console.message("left out: " + sentence);
        return nullptr;
    }
    if (stage == "evaluate") leave_out_stale_methods(run, document, console);
    return document;
}

bool is_current(const OpenRun& run, const fs::path& path) { return fs::exists(path) && run.why_stale(path).empty(); }

}  // namespace spikelens::app
