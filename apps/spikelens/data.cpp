#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/data/download.h"
#include "spikelens/pipeline/catalogue.h"
#include "spikelens/pipeline/fields.h"

#include "commands.h"
#include "text.h"

namespace spikelens::app {
namespace {

constexpr int kIndent = 15;

Outcome print_list() {
    const DataListResult result = list_data();
    std::string text;
    for (const auto& [info] : result.datasets) {
        const std::string state = !info.where.empty() ? info.where
                                  : info.downloadable ? "not here; spikelens data download " + info.name
                                                      : "not here";
        text += paragraph(fmt::format("{} ({})", info.title, info.licence), kIndent, info.name) +
                paragraph(printable(state), kIndent);
    }
    return {document_of(result), text};
}

Outcome print_check(const std::string& name) {
    const DataCheckResult data = check_data(name);
    std::string text =
        paragraph(fmt::format("{}: {} training and {} {}, {}", printable(data.data), data.train_samples,
                              counted(data.test_samples, data.recordings ? "test recording" : "test image"),
                              shape_text(data.shape), counted(static_cast<int64_t>(data.classes.size()), "class")));
    for (const auto& [file, checksum] : data.sha256) text += fmt::format("  {}  {}\n", checksum, printable(file));
    return {document_of(data), text};
}

Outcome download_data(const std::string& name, Console& console) {
    console.keeps("what was fetched is kept");
    const std::filesystem::path folder = download_dataset(name, console.progress());
    return {{{"command", "data download"}, {"data", name}, {"folder", folder.string()}}, folder.string() + "\n"};
}

}  // namespace

void add_data(CLI::App& program, Run& run) {
    CLI::App* app = program.add_subcommand("data", "List, check and download data sets; without a subcommand, list them");
    app->require_subcommand(0, 1);
    app->callback([app, &run] {
        if (app->get_subcommands().empty()) run = [](const Globals&, Console&) { return print_list(); };
    });
    app->add_subcommand("list", "List the known data sets and where they are")->callback([&run] {
        run = [](const Globals&, Console&) { return print_list(); };
    });
    auto name = std::make_shared<std::string>();
    CLI::App* check = app->add_subcommand("check", "Read a data set and print its checksums");
    check->add_option("data", *name, "A name, or a folder of four IDX files")->required();
    check->callback([name, &run] { run = [name](const Globals&, Console&) { return print_check(*name); }; });
    CLI::App* download = app->add_subcommand("download", "Fetch a data set into the user's cache, checked and resumable");
    download->add_option("data", *name, "mnist")->required();
    download->callback(
        [name, &run] { run = [name](const Globals&, Console& console) { return download_data(*name, console); }; });
}

}  // namespace spikelens::app
