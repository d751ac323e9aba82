#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/printable.h"
#include "spikelens/core/text.h"
#include "spikelens/pipeline/catalogue.h"
#include "spikelens/pipeline/fields.h"

#include "commands.h"

namespace spikelens::app {
namespace {

constexpr int kIndent = 15;

struct DataCommand {
    std::string data;
    PictureWords pictures;
};

struct DownloadCommand {
    std::string data;
};

void declare(OptionTable& table, DataCommand& command) {
    table.add("data", command.data, "A name, or a folder of IDX files, event recordings or pictures").required();
    table.add_pictures(command.pictures);
}

void declare(OptionTable& table, DownloadCommand& command) { table.add("data", command.data, "mnist").required(); }

Outcome print_list(const Call&) {
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

Outcome print_check(const DataCommand& command, const Call& call) {
    const DataCheckResult data = check_data(command.data, command.pictures, call.execution());
    std::string text =
        paragraph(fmt::format("{}: {} training and {} {}, {}", printable(data.data), data.train_samples,
                              counted(data.test_samples, data.recordings ? "test recording" : "test image"),
                              shape_text(data.shape), counted(static_cast<int64_t>(data.classes.size()), "class")));
    for (const auto& [file, checksum] : data.sha256) text += fmt::format("  {}  {}\n", checksum, printable(file));
    for (const std::string& sentence : data.damaged) text += paragraph("left out: " + printable(sentence));
    return {document_of(data), text};
}

Outcome print_download(const DownloadCommand& command, const Call& call) {
    const DataDownloadResult result = download_data(command.data, call.execution(), call.notes());
    return {document_of(result), printable(result.folder) + "\n"};
}

}  // namespace

Command data_command() {
    Command command{"data", "List, check and download data sets; without a subcommand, list them"};
    command.run = print_list;
    command.parts.push_back({"list", "List the known data sets and where they are", {}, print_list});
    command.parts.push_back(command_of<DataCommand>("check", "Read a data set and print its checksums", print_check));
    command.parts.push_back(command_of<DownloadCommand>(
        "download", "Fetch a data set into the user's cache, checked and resumable", print_download));
    return command;
}

}  // namespace spikelens::app
