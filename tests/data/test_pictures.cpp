#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "spikelens/data/dataset.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "support/errors.h"
#include "support/peers.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A picture of one colour, by which it is known; larger ones have a darker right half.
std::string ppm(int value, int64_t height = 2, int64_t width = 2) {
    std::string bytes = "P6 " + std::to_string(width) + " " + std::to_string(height) + " 255\n";
    for (int64_t i = 0; i < 3 * height * width; ++i) bytes += static_cast<char>(i / 3 % width > 1 ? value / 2 : value);
    return bytes;
}

void put(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

const PictureSet& pictures_of(const std::shared_ptr<const SampleSource>& source) {
    return dynamic_cast<const PictureSet&>(*source);
}

/// The values that pictures are known by.
std::vector<int> marks(const SampleSource& set) {
    std::vector<int> found;
    for (int64_t i = 0; i < set.size(); ++i)
        found.push_back(static_cast<int>(set.images(std::vector<int64_t>{i}).data[0] * 255 + 0.5F));
    return found;
}
std::vector<int> labels(const SampleSource& set) {
    std::vector<int> found;
    for (int64_t i = 0; i < set.size(); ++i) found.push_back(set.label(i));
    return found;
}

class Pictures : public testing::Test {
  protected:
    LoadedDataset load(const PictureWords& words = {}, const Execution& execution = {}) const {
        return load_dataset((folder_ / "set").string(), {.pictures = parse_pictures(words)}, execution);
    }
    std::string refusal(const PictureWords& words = {}) const {
        return input_error([&] { load(words); });
    }
    void put(const std::string& name, const std::string& bytes) const { spikelens::put(folder_ / "set" / name, bytes); }
    /// Ten pictures without a split, 10 to 19 in ImageFolder's order.
    void put_classes() const {
        const std::vector<std::string> names = {"B/z.ppm", "Z/1.ppm", "Z/10.PPM", "Z/2.ppm", "Z/in/0.ppm",
                                                "a/0.ppm", "a/1.ppm", "a/B.ppm",  "a/b.ppm", "é/x.ppm"};
        for (size_t i = 0; i < names.size(); ++i) put(names[i], ppm(static_cast<int>(10 + i)));
    }
    TemporaryFolder folder_;
};

TEST(PictureOptions, HaveOneCanonicalForm) {
    const PictureWords words = {{"resize", "64x48"}, {"crop", "32"},         {"mean", "imagenet"},
                                {"std", "0.50,1,2"}, {"split", "0.80"},      {"split_seed", "07"},
                                {"damaged", "skip"}, {"background", "white"}};
    const PictureWords canonical = picture_words(parse_pictures(words));
    EXPECT_EQ(canonical, (PictureWords{{"resize", "64x48"},
                                       {"crop", "32x32"},
                                       {"mean", "0.485,0.456,0.406"},
                                       {"std", "0.5,1,2"},
                                       {"split", "0.8"},
                                       {"split_seed", "7"},
                                       {"damaged", "skip"},
                                       {"background", "white"}}));
    EXPECT_EQ(picture_words(parse_pictures(canonical)), canonical);
    EXPECT_EQ(picture_words(parse_pictures({{"mean", "none"}, {"damaged", "stop"}, {"background", "#000000"}})),
              PictureWords{});
    EXPECT_EQ(parse_pictures({{"resize", "256"}}).framing.shorter, 256);
}

TEST(PictureOptions, RefusesWhatTheyCannotUse) {
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"resize", "0x3"}, {"resize", "3x"},   {"crop", "x3"},       {"mean", "1,2"},          {"mean", "1,2,nan"},
        {"std", "1,1,0"},  {"std", "1,2,3,4"}, {"split", "0"},       {"split", "1.5"},         {"split", "-1"},
        {"split", "1e9"},  {"damaged", "no"},  {"background", "re"}, {"resize", "20000x20000"}};
    for (const auto& [name, text] : wrong)
        EXPECT_THAT(input_error([&] { parse_pictures({{name, text}}); }), HasSubstr("'" + text + "'")) << name;
    EXPECT_THAT(input_error([] { parse_pictures({{"reszie", "3"}}); }), HasSubstr("did you mean 'resize'?"));
    EXPECT_THAT(input_error([] { parse_pictures({{"split_seed", "3"}}); }), HasSubstr("a split seed is of a split"));
    EXPECT_THAT(input_error([] { parse_pictures({{"split", "0.5"}, {"split_seed", "-3"}}); }), HasSubstr("'-3'"));
}

/// Reference values by PyTorch 2.15.
TEST(TorchPermutation, IsThatOfTorch) {
    EXPECT_THAT(torch_permutation(10, 0), ElementsAre(4, 1, 7, 5, 3, 9, 0, 8, 6, 2));
    EXPECT_THAT(torch_permutation(10, 42), ElementsAre(2, 6, 1, 8, 4, 5, 0, 9, 3, 7));
    EXPECT_THAT(torch_permutation(12, (uint64_t{1} << 40) + 7), ElementsAre(3, 4, 0, 5, 7, 9, 11, 6, 8, 1, 10, 2));
    EXPECT_THAT(torch_permutation(5, 4294967295), ElementsAre(1, 3, 4, 2, 0));
    EXPECT_THAT(torch_permutation(1, 0), ElementsAre(0));
    EXPECT_THAT(torch_permutation(0, 0), ElementsAre());
    const auto digest = [](int64_t n, uint64_t seed) {
        std::string lines;
        for (const int64_t i : torch_permutation(n, seed)) lines += std::to_string(i) + "\n";
        return sha256_of_bytes(lines);
    };
    EXPECT_EQ(digest(37322, 0), "a6b8bacd0ce2261e88e6f6fe46d2074453885c3dab66b0ae8b879df847d4fb53");
    EXPECT_EQ(digest(70000, 1), "5de1231074b68be677616a274f500dfaa3a2d0f43cc9b9286790f0e3998b91ea");
    EXPECT_EQ(digest(300000, 123), "8fec39080a6c4ad18b70b713e92b91757f52890ef10416872090fead682d2703");
    EXPECT_NE(input_error([] { torch_permutation(214748364, 0); }), "");
}

TEST_F(Pictures, OfASplitFolderAreOneOfEachClassInTurn) {
    for (const auto& [name, value] : std::vector<std::pair<std::string, int>>{{"train/b/2.ppm", 22},
                                                                              {"train/b/1.ppm", 21},
                                                                              {"train/a/9.ppm", 19},
                                                                              {"train/b/3.PpM", 23},
                                                                              {"train/.hidden/3.ppm", 0},
                                                                              {"train/b/.4.ppm", 0},
                                                                              {"train/b/notes.txt", 0},
                                                                              {"val/b/1.ppm", 31}})
        put(name, ppm(value));
    const LoadedDataset data = load();
    EXPECT_EQ(data.name, "set");
    EXPECT_THAT(data.train->classes(), ElementsAre("a", "b"));
    EXPECT_THAT(marks(*data.train), ElementsAre(19, 21, 22, 23));
    EXPECT_THAT(labels(*data.train), ElementsAre(0, 1, 1, 1));
    EXPECT_THAT(marks(*data.test), ElementsAre(31));
    EXPECT_THAT(labels(*data.test), ElementsAre(1));
    EXPECT_EQ(data.train->shape(), (Shape{3, 2, 2}));
    EXPECT_EQ(data.train->steps(), 0);
    EXPECT_THAT(refusal({{"split", "0.5"}}), HasSubstr("is split already, into train and val"));
    put("val/c/1.ppm", ppm(1));
    EXPECT_THAT(refusal(), HasSubstr("val/c is a class that the training pictures do not have"));
}

TEST_F(Pictures, OfPartsWithoutClassesAreRefused) {
    put("train/a/1.ppm", ppm(1)), put("test/1.ppm", ppm(2));  // as classes, these would be "train" and "test"
    for (const PictureWords& words : {PictureWords{}, PictureWords{{"split", "0.5"}}})
        EXPECT_THAT(refusal(words), HasSubstr("set/test holds no folder of pictures for each class"));
    put("test/b/1.ppm", ppm(2)), fs::remove_all(folder_ / "set/train/a"), put("train/1.ppm", ppm(1));
    EXPECT_THAT(refusal(), HasSubstr("set/train holds no folder of pictures for each class"));
}

TEST_F(Pictures, HaveOneChecksumOfAllFiles) {
    put("train/a/1.ppm", ppm(1)), put("test/a/1.ppm", ppm(2)), put("train/b/0.ppm", ppm(3));
    std::string lines;
    for (const auto& [name, value] : {std::pair{"test/a/1.ppm", 2}, {"train/a/1.ppm", 1}, {"train/b/0.ppm", 3}})
        lines += sha256_of_bytes(ppm(value)) + "  " + name + "\n";
    EXPECT_EQ(load().sha256, (std::map<std::string, std::string>{{"pictures", sha256_of_bytes(lines)}}));
}

TEST_F(Pictures, AreSplitAsTorchDoes) {
    put_classes();
    for (const auto& [split, train] : {std::pair{"0.8", 8}, {"0.79", 7}, {"3", 3}}) {
        const LoadedDataset data = load({{"split", split}, {"split_seed", "42"}});
        std::vector<int> expected;
        for (const int64_t i : torch_permutation(10, 42)) expected.push_back(static_cast<int>(10 + i));
        EXPECT_EQ(marks(*data.train), std::vector<int>(expected.begin(), expected.begin() + train)) << split;
        EXPECT_EQ(marks(*data.test), std::vector<int>(expected.begin() + train, expected.end())) << split;
        EXPECT_THAT(data.train->classes(), ElementsAre("B", "Z", "a", "é"));
        for (const auto& set : {data.train, data.test})
            for (const PictureFile& file : pictures_of(set).files())
                EXPECT_EQ(data.train->classes()[static_cast<size_t>(file.label)],
                          fs::path(file.path).lexically_relative(folder_ / "set").begin()->string());
    }
    EXPECT_THAT(refusal(), HasSubstr("a split is needed"));
    EXPECT_THAT(refusal({{"split", "0.05"}}), HasSubstr("leaves no training pictures of the 10"));
    EXPECT_THAT(refusal({{"split", "10"}}), HasSubstr("leaves no test pictures"));
    fs::create_directories(folder_ / "set/empty");
    EXPECT_THAT(refusal({{"split", "0.5"}}), HasSubstr("empty holds no pictures"));
}

TEST_F(Pictures, AreShownNormalisedAndSeenAsTheyAre) {
    put("train/a/1.ppm", ppm(51)), put("test/a/1.ppm", ppm(255));
    const LoadedDataset data = load({{"mean", "0.2,0.5,0"}, {"std", "1,0.5,0.1"}});
    const std::vector<int64_t> first{0};
    EXPECT_EQ(data.train->images(first).data, std::vector<float>(12, 51.0F / 255));
    const std::vector<float> shown = data.train->input(first).images.data;
    for (size_t i = 0; i < shown.size(); ++i)
        EXPECT_EQ(shown[i], i < 4   ? (51.0F / 255 - 0.2F) / 1
                            : i < 8 ? (51.0F / 255 - 0.5F) / 0.5F
                                    : 51.0F / 255 / 0.1F);
    for (const int64_t index : {-1, 1})
        EXPECT_NE(input_error([&] { data.train->images(std::vector<int64_t>{index}); }), "");
    EXPECT_EQ(data.train->images({}).shape, (Shape{0, 3, 2, 2}));
}

TEST_F(Pictures, OfDifferentSizesNeedAFraming) {
    put("train/a/1.ppm", ppm(100, 4, 4)), put("train/a/2.ppm", ppm(200, 4, 6)), put("test/a/1.ppm", ppm(3, 8, 8));
    EXPECT_THAT(refusal(), HasSubstr("2.ppm has 4 x 6 pixels, but "));
    EXPECT_EQ(load({{"resize", "3x5"}}).test->shape(), (Shape{3, 3, 5}));
    EXPECT_EQ(load({{"crop", "4"}}).test->shape(), (Shape{3, 4, 4}));
    EXPECT_THAT(refusal({{"crop", "5"}}), HasSubstr("1.ppm has 4 x 4 pixels where its crop needs 5 x 5"));
}

TEST_F(Pictures, ThatAreDamagedStopOrAreLeftOutBehindTheSplit) {
    put_classes();
    const std::vector<int> whole_train = marks(*load({{"split", "0.8"}}).train),
                           whole_test = marks(*load({{"split", "0.8"}}).test);
    put("Z/2.ppm", ppm(13).substr(0, 14));
    put("a/B.ppm", "P6 60000 60000 255\n");
    EXPECT_THAT(refusal({{"split", "0.8"}}), HasSubstr("damaged pictures can be skipped; here they are 2 of 8"));
    put("a/B.ppm", ppm(17));
    EXPECT_THAT(refusal({{"split", "0.8"}}), HasSubstr("Z/2.ppm cannot be decoded: the file ends too early"));
    put("a/B.ppm", "P6 60000 60000 255\n");
    const LoadedDataset data = load({{"split", "0.8"}, {"damaged", "skip"}});
    const auto without = [](std::vector<int> values) {
        std::erase_if(values, [](int value) { return value == 13 || value == 17; });
        return values;
    };
    EXPECT_EQ(marks(*data.train), without(whole_train));
    EXPECT_EQ(marks(*data.test), without(whole_test));
    ASSERT_EQ(data.damaged.size(), 2U);
    EXPECT_THAT(data.damaged, testing::UnorderedElementsAre(HasSubstr("Z/2.ppm"), HasSubstr("60000 x 60000")));
}

/// ImageFolder counts them too.
TEST_F(Pictures, WithoutAFileBehindTheNameAreDamaged) {
    put_classes();
    const std::vector<int> whole_train = marks(*load({{"split", "0.8"}}).train),
                           whole_test = marks(*load({{"split", "0.8"}}).test);
    for (const char* name : {"Z/2.ppm", "a/B.ppm"}) fs::remove(folder_ / "set" / name);
    fs::create_symlink("nowhere.ppm", folder_ / "set/a/B.ppm");
    ASSERT_EQ(::mkfifo((folder_ / "set/Z/2.ppm").c_str(), 0600), 0);
    EXPECT_THAT(refusal({{"split", "0.8"}}), HasSubstr("damaged pictures can be skipped; here they are 2 of 8"));
    const LoadedDataset data = load({{"split", "0.8"}, {"damaged", "skip"}});
    const auto without = [](std::vector<int> values) {
        std::erase_if(values, [](int value) { return value == 13 || value == 17; });
        return values;
    };
    EXPECT_EQ(marks(*data.train), without(whole_train));
    EXPECT_EQ(marks(*data.test), without(whole_test));
    EXPECT_THAT(data.damaged,
                testing::UnorderedElementsAre(testing::AllOf(HasSubstr("there is no file"), HasSubstr("a/B.ppm")),
                                              HasSubstr("Z/2.ppm is not a file")));
    fs::remove(folder_ / "set/Z/2.ppm");
    EXPECT_THAT(refusal({{"split", "0.8"}}), testing::AllOf(HasSubstr("there is no file"), HasSubstr("a/B.ppm")));
}

TEST_F(Pictures, AreTheSameWithAndWithoutRoomToKeepThem) {
    put_classes();
    const PictureWords words = {{"split", "0.8"}, {"resize", "5x7"}, {"mean", "imagenet"}};
    const std::vector<int64_t> some{3, 0, 7, 3};
    const FloatArray expected = load(words).train->input(some).images;
    for (const int64_t room : {0, 2 * 105 * 3, 1 << 20})
        for (const int threads : {1, 3}) {
            const Execution execution{.threads = threads, .memory = room};
            const LoadedDataset data = load(words, execution);
            for (int time = 0; time < 2; ++time) EXPECT_EQ(data.train->input(some).images, expected) << room;
        }
}

TEST_F(Pictures, ThatChangeMeanwhileAreNoticed) {
    put("train/a/1.ppm", ppm(1)), put("test/a/1.ppm", ppm(2));
    const LoadedDataset data = load({}, {.memory = 0});
    put("train/a/1.ppm", ppm(3));
    EXPECT_THAT(input_error([&] { data.train->images(std::vector<int64_t>{0}); }),
                HasSubstr("was changed while it was in use"));
    fs::remove(folder_ / "set/train/a/1.ppm");
    EXPECT_THAT(input_error([&] { data.train->images(std::vector<int64_t>{0}); }), HasSubstr("there is no file"));
}

std::string digest(const void* bytes, size_t count) {
    return sha256_of_bytes({static_cast<const char*>(bytes), count});
}

TEST_F(Pictures, AreSplitReadAndShownAsTorchvisionDoes) {
    const std::string python = peers_python(SPIKELENS_SOURCE_DIR);
    if (!has_module(python, "torchvision"))
        GTEST_SKIP() << python
                     << " has no torchvision (./run peers torch brings it): that pictures are read as it reads them "
                     << "was NOT checked";
    uint32_t state = 7;
    const auto draw = [&](uint32_t below) { return (state = state * 1664525 + 1013904223) / 65536 % below; };
    for (const char* name : {"zebra", "Ant", "ant", "ant eater", "ant-lion", "42", "7", "écureuil", "a+b"})
        for (int i = 0; i < 13; ++i) {
            const std::string place = i % 5 == 4 ? "/deep.er/" : i % 7 == 6 ? "/Deep/" : "/";
            put(name + place + std::to_string(draw(1000)) + (i % 2 == 0 ? ".ppm" : "_x.PPM"), [&] {
                const uint32_t height = 1 + draw(40), width = 1 + draw(40);
                std::string bytes = "P6 " + std::to_string(width) + " " + std::to_string(height) + " 255\n";
                for (uint32_t k = 0; k < 3 * height * width; ++k) bytes += static_cast<char>(draw(256));
                return bytes;
            }());
        }
    const std::string script = SPIKELENS_SOURCE_DIR "/tests/data/check_pictures.py", out = folder_ / "out";
    ASSERT_EQ(std::system((python + " " + script + " " + (folder_ / "set").string() + " 3 24 17 > " + out).c_str()), 0);
    const LoadedDataset data =
        load({{"split", "0.8"}, {"split_seed", "3"}, {"resize", "24x17"}, {"mean", "imagenet"}, {"std", "imagenet"}});
    std::string lines;
    for (const auto& set : {data.train, data.test})
        for (int64_t i = 0; i < set->size(); ++i) {
            const std::vector<int64_t> one{i};
            const FloatArray seen = set->images(one), shown = set->input(one).images;
            std::vector<uint8_t> bytes;
            for (const float value : seen.data) bytes.push_back(static_cast<uint8_t>(value * 255 + 0.5F));
            lines += (set == data.train ? "train " : "test ") + set->classes()[static_cast<size_t>(set->label(i))] +
                     " " +
                     fs::path(pictures_of(set).files()[static_cast<size_t>(i)].path)
                         .lexically_relative(folder_ / "set")
                         .string() +
                     " " + digest(bytes.data(), bytes.size()) + " " + digest(shown.data.data(), shown.data.size() * 4) +
                     "\n";
        }
    EXPECT_EQ(lines, read_file(out));
}

}  // namespace
}  // namespace spikelens
