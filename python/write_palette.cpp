// Writes the library's palettes as bytes r, g, b: 256 sequential colours, then the diverging ones. The package draws
// with them.
#include <cstdio>
#include <fstream>

#include "spikelens/draw/palette.h"

int main(int count, char** arguments) {
    if (count != 2) return 2;
    std::ofstream file(arguments[1], std::ios::binary);
    for (const auto* palette : {&spikelens::sequential_palette(), &spikelens::diverging_palette()})
        for (const auto& [r, g, b] : *palette)
            file.put(static_cast<char>(r)).put(static_cast<char>(g)).put(static_cast<char>(b));
    file.close();
    if (!file) std::fprintf(stderr, "write_palette: cannot write %s\n", arguments[1]);
    return file ? 0 : 1;
}
