#include "spikelens/pipeline/catalogue.h"

#include "commands.h"

namespace spikelens::app {
namespace {

struct Named {
    std::string name;
};
struct MethodsCommand : Named {};
struct DownloadCommand : Named {};
struct CheckCommand : Named {
    PictureWords pictures;
};

void declare(OptionTable& table, MethodsCommand& command) {
    table.add("method", command.name,
              "The method, with its options, or the metric to describe; by default all are listed");
}

void declare(OptionTable& table, CheckCommand& command) {
    table.add("data", command.name, "A name, or a folder of IDX files, event recordings or pictures").required();
    table.add_pictures(command.pictures);
}

void declare(OptionTable& table, DownloadCommand& command) { table.add("data", command.name, "mnist").required(); }

Outcome run_list(const Call&) { return outcome_of(list_data()); }

}  // namespace

Command data_command() {
    Command command{"data", "List, check and download data sets; without a subcommand, list them", {}, run_list};
    command.parts.push_back({"list", "List the known data sets and where they are", {}, run_list});
    command.parts.push_back(command_of<CheckCommand>(
        "check", "Read a data set and print its checksums", [](const CheckCommand& check, const Call& call) {
            return check_data(check.name, check.pictures, call.execution());
        }));
    command.parts.push_back(
        command_of<DownloadCommand>("download", "Fetch a data set into the user's cache, checked and resumable",
                                    [](const DownloadCommand& download, const Call& call) {
                                        return download_data(download.name, call.execution(), call.notes());
                                    }));
    return command;
}

Command methods_command() {
    return command_of<MethodsCommand>(
        "methods", "List the explanation methods and the metrics, or describe one of them: meaning, needs, cost",
        [](const MethodsCommand& command, const Call&) {
            return command.name.empty() ? list_methods() : describe_method(command.name);
        });
}

}  // namespace spikelens::app
