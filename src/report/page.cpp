#include "page.h"

#include <algorithm>

#include <fmt/format.h>

#include "html.h"
#include "provenance.h"

namespace spikelens::report {

double Page::chosen_mu() const { return results.interpret ? results.interpret->chosen_mu : unknown; }

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
    return std::any_of(data.images.begin(), data.images.end(), [](const ReportImage& image) { return !image.cloud.empty(); });
}

std::string figure(Page& page, const std::string& id, const std::string& svg, const std::string& caption, const Table& table,
                   const std::vector<std::string>& stages) {
    page.figures[id] = {{"columns", table.columns}, {"rows", table.rows}};
    return fmt::format(
        "<figure class=\"chart\" id=\"{0}\">{1}<figcaption>{2} <span class=\"save js-only\">"
        "<button type=\"button\" data-save=\"svg\" data-figure=\"{0}\" aria-label=\"Save figure {0} as SVG\">SVG</button>"
        "<button type=\"button\" data-save=\"csv\" data-figure=\"{0}\" aria-label=\"Save the data of figure {0} as "
        "CSV\">CSV</button></span>"
        "{3}</figcaption></figure>\n",
        id, svg, caption, made_by(page, stages));
}

std::string missing_stage(const std::string& what, const std::string& command) {
    return fmt::format("<div class=\"card missing\"><p>{}</p><p>This command makes it:</p><pre><code>{}</code></pre></div>\n",
                       escape(what), escape(command));
}

std::string command_of(const Page& page, const std::string& stage) { return shell({"spikelens", stage, page.data.run}); }

std::string section(const std::string& id, const std::string& title, const std::string& lede, const std::string& content) {
    return fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n{2}{3}</section>\n",
                       id, escape(title), lede.empty() ? "" : "<p class=\"lede\">" + escape(lede) + "</p>\n", content);
}

}  // namespace spikelens::report
