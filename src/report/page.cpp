#include "page.h"

#include <algorithm>

#include "provenance.h"

namespace spikelens::report {

double Page::chosen_mu() const { return results.interpret ? results.interpret->chosen_mu : kUnknown; }

const ReportFilter* Page::filter(const std::string& name) const {
    const auto found =
        std::find_if(data.filters.begin(), data.filters.end(), [&](const ReportFilter& f) { return f.name == name; });
    return found == data.filters.end() ? nullptr : &*found;
}

bool Page::is_pictured(const std::string& name) const {
    const ReportFilter* found = filter(name);
    return found && !found->average.empty();
}

bool Page::has_clouds() const {
    return std::any_of(data.images.begin(), data.images.end(),
                       [](const ReportImage& image) { return !image.cloud.empty(); });
}

namespace {

Html save_button(const std::string& kind, const std::string& name, const std::string& words, const std::string& id) {
    return tag("button",
               {{"type", "button"},
                {"data-save", kind},
                {"data-figure", id},
                {"aria-label", words + " " + id + " as " + name}},
               name);
}

}  // namespace

Html figure(Page& page, const std::string& id, const Html& drawing, const Html& caption, const Table& table,
            const std::vector<std::string>& stages) {
    page.figures[id] = {{"columns", table.columns}, {"rows", table.rows}};
    const Html save =
        save_button("svg", "SVG", "Save figure", id) + save_button("csv", "CSV", "Save the data of figure", id);
    return tag("figure.chart", {{"id", id}}, drawing,
               tag("figcaption", caption, " ", tag("span.save.js-only", save), made_by(page, stages)));
}

Html missing_stage(const std::string& what, const std::string& command) {
    return tag("div.card.missing", tag("p", what), tag("p", "This command makes it:"),
               tag("pre", tag("code", command)));
}

std::string command_of(const Page& page, const std::string& stage) {
    return shell({"spikelens", stage, page.data.run});
}

Html section(const std::string& id, const std::string& title, const std::string& lede, const Html& content) {
    return tag("section", {{"id", id}, {"aria-labelledby", id + "-title"}}, tag("h2", {{"id", id + "-title"}}, title),
               lede.empty() ? Html() : tag("p.lede", lede), content);
}

Html column(const Html& name) { return tag("th", {{"scope", "col"}}, name); }

Html columns(const std::vector<std::string>& names) {
    Html heads;
    for (const std::string& name : names) heads += column(name);
    return heads;
}

Html scrolled(const std::string& name, const Html& content, std::string_view selector) {
    return tag(selector, {{"tabindex", 0}, {"role", "region"}, {"aria-label", name}}, content);
}

Html table(const std::string& name, std::string_view selector, const Html& heads, const Html& rows) {
    return scrolled(name, tag(selector, tag("thead", tag("tr", heads)), tag("tbody", rows)));
}

Html number_cell(double value, const Html& text, std::string_view selector) {
    return tag(selector, {{"data-value", std::isfinite(value) ? fmt::to_string(value) : ""}}, text);
}

Html meanings(std::string_view selector, const std::vector<std::pair<Html, Html>>& entries) {
    Html list;
    for (const auto& [word, meaning] : entries) list += tag("div", tag("dt", word), tag("dd", meaning));
    return tag(selector, list);
}

Html filter_link(const std::string& name) { return tag("a", {{"href", "#filter-" + identifier(name)}}, name); }

}  // namespace spikelens::report
