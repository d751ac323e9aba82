#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/data/dataset.h"
#include "spikelens/data/download.h"

#include "commands.h"
#include "text.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

constexpr int kIndent = 15;

Outcome list_data() {
    json list = json::array();
    std::string text;
    for (const DatasetInfo& info : known_datasets()) {
        list.push_back({{"name", info.name},
                        {"title", info.title},
                        {"licence", info.licence},
                        {"where", info.where},
                        {"downloadable", info.downloadable}});
        const std::string state = !info.where.empty() ? info.where
                                  : info.downloadable ? "not here; spikelens data download " + info.name
                                                      : "not here";
        text += paragraph(fmt::format("{} ({})", info.title, info.licence), kIndent, info.name) +
                paragraph(printable(state), kIndent);
    }
    return {{{"command", "data list"}, {"datasets", list}}, text};
}

Outcome check_data(const std::string& name, const PictureWords& pictures, const Execution& execution) {
    const LoadedDataset data = load_dataset(name, {.pictures = parse_pictures(pictures)}, execution);
    json document = {{"command", "data check"},
                     {"data", data.name},
                     {"train_samples", data.train->size()},
                     {"test_samples", data.test->size()},
                     {"shape", data.train->shape()},
                     {"classes", data.train->classes()},
                     {"sha256", data.sha256}};
    if (data.pictures) document["pictures"] = picture_words(*data.pictures);
    for (const std::string& sentence : data.damaged) document["damaged"].push_back(printable(sentence));
    std::string text = paragraph(
        fmt::format("{}: {} training and {} {}, {}", printable(data.name), data.train->size(),
                    counted(data.test->size(), data.train->steps() > 0 ? "test recording" : "test image"),
                    shape_text(data.train->shape()), counted(static_cast<int64_t>(data.train->classes().size()), "class")));
    for (const auto& [file, checksum] : data.sha256) text += fmt::format("  {}  {}\n", checksum, printable(file));
    for (const std::string& sentence : data.damaged) text += paragraph("left out: " + printable(sentence));
    return {document, text};
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
        if (app->get_subcommands().empty()) run = [](const Globals&, Console&) { return list_data(); };
    });
    app->add_subcommand("list", "List the known data sets and where they are")->callback([&run] {
        run = [](const Globals&, Console&) { return list_data(); };
    });
    auto name = std::make_shared<std::string>();
    CLI::App* check = app->add_subcommand("check", "Read a data set and print its checksums");
    check->add_option("data", *name, "A name, or a folder of IDX files, event recordings or pictures")->required();
    auto pictures = std::make_shared<PictureWords>();
    add_picture_options(check, *pictures);
    check->callback([name, pictures, &run] {
        run = [name, pictures](const Globals& globals, Console& console) {
            return check_data(*name, *pictures, globals.execution(console));
        };
    });
    CLI::App* download = app->add_subcommand("download", "Fetch a data set into the user's cache, checked and resumable");
    download->add_option("data", *name, "mnist")->required();
    download->callback(
        [name, &run] { run = [name](const Globals&, Console& console) { return download_data(*name, console); }; });
}

}  // namespace spikelens::app
