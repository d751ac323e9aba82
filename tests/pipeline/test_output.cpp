#include <array>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/io/array_file.h"
#include "spikelens/io/files.h"
#include "spikelens/io/picture.h"
#include "spikelens/io/sha256.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/content.h"
#include "spikelens/pipeline/output.h"

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr OutputKind all_kinds[] = {OutputKind::picture, OutputKind::values, OutputKind::explanations,
                                    OutputKind::codings, OutputKind::report, OutputKind::model,
                                    OutputKind::nir};

class Output : public testing::Test {
  protected:
    static std::string refusal(const fs::path& path, OutputKind kind) {
        return input_error([&] { check_output(path, kind); });
    }
    static Network network() {
        Network made = parse_network("2C3-LIF-3F", {1, 4, 4}, 3);
        initialise_weights(made, 1);
        return made;
    }

    TemporaryFolder folder;
};

TEST_F(Output, MissingFilesMayBeWritten) {
    for (OutputKind kind : all_kinds) {
        EXPECT_EQ(refusal(folder / "new", kind), "");
        EXPECT_EQ(refusal(folder / "folders/to/be/made/new", kind), "");
    }
}

TEST_F(Output, WhatOthersWroteIsNeverOverwritten) {
    const FloatArray image({1, 2, 2}, {0, 1, 1, 0});
    write_npy(folder / "values", image);
    write_file(folder / "empty", "");
    write_file(folder / "text", "<meta name=\"generator\" content=\"Other\">");
    write_file(folder / "json", R"({"command": "other"})");
    write_file(folder / "list", "[1]");
    write_file(folder / "png", "\x89PNG\r\n\x1a\n");
    write_file(folder / "tensors", std::string("\x12\0\0\0\0\0\0\0", 8) + R"({"__metadata__":{}})");
    testing::internal::CaptureStderr();
    for (const char* name : {"values", "empty", "text", "json", "list", "png", "tensors"})
        for (OutputKind kind : all_kinds)
            EXPECT_THAT(refusal(folder / name, kind), HasSubstr("was not written by Spikelens")) << name;
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(Output, OursIsKnownByWhatItSays) {
    const FloatArray image({1, 2, 2}, {0, 1, 1, 0});
    write_file(folder / "map.npy", npy_bytes(image));
    write_png(folder / "map.png", image, {{"Values", sha256_of_bytes(npy_bytes(image))}});
    write_file(folder / "explain.json", R"({"command": "explain"})");
    write_file(folder / "codings.json", R"({"command": "codings"})");
    write_file(folder / "page.html", "<head><meta name=\"generator\" content=\"Spikelens\">");
    save_model(network(), folder / "net.safetensors");
    export_nir(network(), folder / "net.nir");
    const std::pair<const char*, OutputKind> files[] = {{"map.png", OutputKind::picture},
                                                        {"map.npy", OutputKind::values},
                                                        {"explain.json", OutputKind::explanations},
                                                        {"codings.json", OutputKind::codings},
                                                        {"page.html", OutputKind::report},
                                                        {"net.safetensors", OutputKind::model},
                                                        {"net.nir", OutputKind::nir}};
    for (const auto& [name, kind] : files)
        for (OutputKind other : all_kinds) EXPECT_EQ(refusal(folder / name, other) == "", kind == other) << name;
}

TEST_F(Output, ValuesThatSomebodyChangedAreNotOurs) {
    const FloatArray image({1, 2, 2}, {0, 1, 1, 0});
    write_png(folder / "map.png", image, {{"Values", sha256_of_bytes(npy_bytes(image))}});
    write_npy(folder / "map.npy", FloatArray({1, 2, 2}, {0, 1, 1, 0.5F}));
    EXPECT_NE(refusal(folder / "map.npy", OutputKind::values), "");
}

TEST_F(Output, OnlyFilesAreReplaced) {
    fs::create_directory(folder / "dir");
    fs::create_symlink(folder / "nothing", folder / "dangling");
    fs::create_symlink("/dev/null", folder / "device");
    write_file(folder / "file", "text");
    for (OutputKind kind : all_kinds) {
        EXPECT_THAT(refusal(folder / "dir", kind), HasSubstr("is a folder"));
        EXPECT_THAT(refusal(folder / "dangling", kind), HasSubstr("leads nowhere"));
        EXPECT_THAT(refusal(folder / "device", kind), HasSubstr("not a file that can be replaced"));
        EXPECT_THAT(refusal("/dev/null", kind), HasSubstr("not a file that can be replaced"));
        EXPECT_THAT(refusal(folder / "file/below", kind), HasSubstr("is not a folder"));
        EXPECT_THAT(refusal(folder / "file/far/below", kind), HasSubstr("is not a folder"));
        EXPECT_THAT(refusal(folder / "..", kind), HasSubstr("no name of a file"));
        EXPECT_THAT(refusal("", kind), HasSubstr("no name of a file"));
    }
}

TEST_F(Output, ARunKeepsItsNames) {
    fs::create_directory(folder / "run");
    save_model(network(), folder / "run/model.safetensors");
    EXPECT_EQ(refusal(folder / "run/model.safetensors", OutputKind::model), "");  // a model alone is no run
    write_file(folder / "run/manifest.json", "{}");
    for (const char* name :
         {"model.safetensors", "run.lock", "Manifest.json", "checkpoint.safetensors", "probe.h5", "evaluate/x.html"})
        for (OutputKind kind : all_kinds)
            EXPECT_THAT(refusal(folder / "run" / name, kind), HasSubstr("keeps for itself")) << name;
    EXPECT_EQ(refusal(folder / "run/report.html", OutputKind::report), "");
    EXPECT_NE(refusal(folder / "run/report.html", OutputKind::nir), "");
    EXPECT_EQ(refusal(folder / "run/net.nir", OutputKind::nir), "");
    EXPECT_EQ(refusal(folder / "manifest.json", OutputKind::report), "");  // no run there
}

TEST_F(Output, AFolderWithForeignFilesBecomesNoRun) {
    const auto refused = [&](const fs::path& path) { return input_error([&] { check_run_folder(path); }); };
    EXPECT_EQ(refused(folder / "new/run"), "");
    for (const char* name : {"manifest.json", "train.json", "model.safetensors", "relevant.json", "responses.h5"}) {
        const fs::path of_other = folder / (std::string("with-") + name);
        fs::create_directory(of_other);
        EXPECT_EQ(refused(of_other), "");
        write_file(of_other / name, R"({"mine": 1})");
        EXPECT_THAT(refused(of_other), HasSubstr("was not written by Spikelens")) << name;
    }
    fs::create_directory(folder / "run");
    save_model(network(), folder / "run/model.safetensors");
    write_file(folder / "run/train.json", "{}");
    write_file(folder / "run/notes.txt", "mine");
    EXPECT_EQ(refused(folder / "run"), "");
    EXPECT_THAT(refused(folder / "run/notes.txt"), HasSubstr("is not a folder"));
}

TEST_F(Output, ExplanationsDoNotMixIntoARun) {
    for (const char* run : {"own", "other"}) {
        fs::create_directories(folder / run / "explain");
        write_file(folder / run / "manifest.json", "{}");
    }
    fs::create_directory_symlink(folder / "other", folder / "link");
    const auto refused = [&](const char* out) {
        return input_error([&] { check_explanations_folder(folder / out, folder / "own"); });
    };
    for (const char* out : {"own", "other", "other/", "link", "other/../own", "own/."})
        EXPECT_THAT(refused(out), HasSubstr("is a run directory")) << out;
    for (const char* out : {"other/explain", "other/Explain", "link/explain", "other/explain/"})
        EXPECT_THAT(refused(out), HasSubstr("another run keeps its explanations")) << out;
    for (const char* out : {"own/explain", "own/mine", "new", "new/folder"}) EXPECT_EQ(refused(out), "") << out;
}

TEST(FileNamePart, IsSafeEverywhere) {
    EXPECT_EQ(file_name_part("a b/c\n..:d=e"), "a-b-c-..-d-e");
    EXPECT_EQ(file_name_part("..hidden"), "_.hidden");
    EXPECT_EQ(file_name_part("-rf"), "_rf");
    EXPECT_EQ(file_name_part("größe"), "größe");
    const std::string long_name = file_name_part(std::string(79, 'x') + "ß" + std::string(500, 'y'));
    EXPECT_EQ(long_name, std::string(79, 'x'));
}

// Files are named by it: "spikes", then [T, 1, C, H, W] as int64, then the values.
TEST(ContentAddress, OfARecordingIsTheDocumentedChecksum) {
    const std::array<int64_t, 5> shape{2, 1, 1, 1, 3};
    const std::vector<uint8_t> values{0, 1, 0, 2, 0, 255};
    std::string bytes = "spikes";
    bytes.append(reinterpret_cast<const char*>(shape.data()), sizeof shape);
    bytes.append(values.begin(), values.end());
    const uint64_t first = std::stoull(sha256_of_bytes(bytes).substr(0, 16), nullptr, 16) >> 2;
    EXPECT_EQ(content_address(Array<uint8_t>({1, 2, 1, 1, 3}, values)),
              static_cast<int64_t>(first | uint64_t{1} << 62));
}

TEST(ContentAddress, IsOfTheContentAlone) {
    const FloatArray image({1, 1, 2, 2}, {0, 1, 1, 0}), other({1, 1, 2, 2}, {0, 1, 1, 0.5F});
    EXPECT_EQ(content_address(image), content_address(FloatArray(image)));
    EXPECT_NE(content_address(image), content_address(other));
    EXPECT_NE(content_address(image), content_address(FloatArray({1, 1, 1, 4}, image.data)));
    EXPECT_GE(content_address(image), int64_t{1} << 62);  // no index of a data set
    EXPECT_NE(content_address(Array<uint8_t>({1, 1, 1, 1, 2}, {0, 1})),
              content_address(Array<uint8_t>({1, 2, 1, 1, 1}, {0, 1})));
    EXPECT_EQ(address_text(content_address(image)).size(), 10U);
}

}  // namespace
}  // namespace spikelens
