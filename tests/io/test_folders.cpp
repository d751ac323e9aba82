#include <set>

#include <gtest/gtest.h>

#include "spikelens/io/files.h"
#include "spikelens/io/folders.h"

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

bool any(const std::filesystem::directory_entry&) { return true; }

TEST(Folders, GiveWhatIsWantedAndNoMore) {
    const TemporaryFolder folder;
    const std::filesystem::path root = folder / "";
    for (const char* name : {"a.txt", "b.bin", "below/c.txt"}) write_file(folder / name, "");
    std::set<std::string> names;
    for (const auto& entry : entries_of(root, any)) names.insert(entry.path().lexically_relative(root));
    EXPECT_EQ(names, (std::set<std::string>{"a.txt", "b.bin", "below"}));
    const auto is_text = [](const std::filesystem::directory_entry& entry) {
        return entry.path().extension() == ".txt";
    };
    const auto texts = entries_of(root, is_text);
    ASSERT_EQ(texts.size(), 1U);
    EXPECT_EQ(texts[0].path(), folder / "a.txt");
    EXPECT_EQ(entries_of(root, any, 2).size(), 2U);
}

TEST(Folders, ThatAreMissingAreNamed) {
    const TemporaryFolder folder;
    const std::string missing = (folder / "nowhere").string();
    EXPECT_TRUE(input_error([&] { entries_of(missing, any); }).starts_with("cannot read the folder " + missing));
}

}  // namespace
}  // namespace spikelens
