#include <fmt/format.h>

#include "html.h"
#include "page.h"
#include "provenance.h"

namespace spikelens::report {
namespace {

using Json = nlohmann::json;

std::string value_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "—";
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_short_list(const Json& value) {
    if (!value.is_array()) return false;
    for (const Json& element : value)
        if (element.is_structured()) return false;
    return true;
}

/// One row per leaf, named by its path: "options · epochs".
void flatten(const Json& value, const std::string& name, std::string& rows) {
    if (value.is_object() && !value.empty()) {
        for (const auto& [key, inner] : value.items())
            flatten(inner, name.empty() ? key : fmt::format("{} · {}", name, key), rows);
        return;
    }
    if (value.is_array() && !is_short_list(value)) {
        for (size_t i = 0; i < value.size(); ++i) flatten(value[i], fmt::format("{} · {}", name, i), rows);
        return;
    }
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(name), escape(value_text(value)));
}

std::string unrecorded_note(const Page& page) {
    std::string stages;
    for (const std::string& stage : unrecorded_stages(page)) stages += (stages.empty() ? "" : ", ") + stage;
    if (stages.empty()) return {};
    return fmt::format(
        "<p class=\"banner\">The options of {} were not recorded by this run, which an older version made. No command is "
        "printed "
        "for them: one with other options would give other numbers.</p>\n",
        escape(stages));
}

std::string commands(const Page& page) {
    std::string lines;
    for (const std::string& line : all_commands(page)) lines += line + "\n";
    const std::string code =
        lines.empty() ? "<p class=\"empty\">No command was recorded.</p>\n" : "<pre><code>" + escape(lines) + "</code></pre>\n";
    return "<h3>Commands</h3>\n<p class=\"note\">Every option as it was given, quoted for a shell. Paths are relative to the "
           "folder in which they were run; data sets are told apart by the checksums in the manifest.</p>\n" +
           code + unrecorded_note(page);
}

std::string manifest(const Page& page) {
    if (!page.data.manifest.is_object())
        return missing_stage("This run has no manifest: seed, versions and checksums are unknown.",
                             shell({"spikelens", "train", "--out", page.data.run}));
    Json facts = page.data.manifest;  // the commands stand above
    for (const char* key : {"command", "stages"}) facts.erase(key);
    std::string rows;
    flatten(facts, "", rows);
    return "<h3>Manifest</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Manifest\"><table "
           "class=\"manifest\"><tbody>\n" +
           rows + "</tbody></table></div>\n";
}

constexpr std::string_view downloads = R"(<h3>Results as data</h3>
<p class="save js-only"><button type="button" data-document="manifest">manifest.json</button> <button type="button" data-document="train">train.json</button> <button type="button" data-document="interpret">interpret.json</button> <button type="button" data-document="evaluate">evaluate.json</button></p>
<p class="note">The same documents lie in the run directory. Every figure above saves as SVG, and its numbers as CSV.</p>
)";

constexpr std::string_view limits_of_images = R"(<h3>Limits</h3>
<ul class="prose">
<li>Intervals are over test images (and random draws) of one trained network. They say nothing about training again with another seed.</li>
<li>A relevant filter is one whose response helps to <em>predict</em> the network's decision linearly. That is association; the ablation is the intervention.</li>
<li>Insertion and deletion reward whatever restores the prediction fastest. On dark backgrounds the brightness of the image alone does well; that is why it stands in every table.</li>
<li>At large μ the budget goes to nearly dead filters, and the gap between relevant and random filters closes.</li>
<li>A map says where, never why. Two methods that disagree may both be right about different questions.</li>
</ul>
)";

constexpr std::string_view limits_of_recordings = R"(<h3>Limits</h3>
<ul class="prose">
<li>Intervals are over test recordings (and random draws) of one trained network. They say nothing about training again with another seed.</li>
<li>A relevant filter is one whose response helps to <em>predict</em> the network's decision linearly. That is association; the ablation is the intervention.</li>
<li>Taking spikes away leaves recordings that no camera makes. A method may do well on them for that reason alone; that is why sanity baselines stand in every table.</li>
<li>At large μ the budget goes to nearly dead filters, and the gap between relevant and random filters closes.</li>
<li>A map says where and when, never why. Two methods that disagree may both be right about different questions.</li>
</ul>
)";

constexpr std::string_view glossary = R"(<details><summary>Glossary</summary>
<dl class="meanings">
<div><dt>μ, budget</dt><dd>Upper bound on the sum of absolute weights a class may give to filters. Small budgets select few filters.</dd></div>
<div><dt>breakpoint</dt><dd>A budget at which a filter enters or leaves. Between breakpoints the weights change linearly in μ.</dd></div>
<div><dt>KKT residual, duality gap</dt><dd>Two independent measures of how far a solution is from optimal; zero at the optimum.</dd></div>
<div><dt>response</dt><dd>A filter's share of its layer's spiking energy, averaged over time.</dd></div>
<div><dt>average visualisation</dt><dd>Mean of the patches of the input around the strongest activation of a filter.</dd></div>
<div><dt>spread</dt><dd>Standard deviation of a pixel over those patches, averaged over pixels. Large: the mean hides variety.</dd></div>
<div><dt>insertion, deletion</dt><dd>Area under the probability of the prediction while the highest-ranked pixels are inserted into a baseline, or removed.</dd></div>
<div><dt>spike insertion, spike deletion</dt><dd>The same with single spikes: inserted into silence, or removed until none is left.</dd></div>
<div><dt>paired difference</dt><dd>Mean over samples of the difference between two methods on the same sample.</dd></div>
<div><dt>sanity baseline</dt><dd>A map made without looking into the network: random, the input's own intensity, its edges.</dd></div>
</dl></details>
)";

}  // namespace

std::string reproduce_section(Page& page) {
    return section("reproduce", "Reproduce",
                   "These commands give the same numbers again, on any number of threads. What is computed with gradients "
                   "(training, gradient methods) may differ in its last digits on another kind of processor.",
                   commands(page) + manifest(page) + std::string(downloads) +
                       std::string(page.shows_recordings() ? limits_of_recordings : limits_of_images) + std::string(glossary));
}

}  // namespace spikelens::report
