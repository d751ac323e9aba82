#include "camera.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace spikelens {

std::optional<Camera> find_camera(std::string_view name) {
    struct Known {
        std::string_view type;
        Camera camera;
    };
    static constexpr std::array<Known, 6> cameras = {{{"dvs128", {128, 128, false}},
                                                      {"davis128", {128, 128, true}},
                                                      {"davis208", {208, 192, true}},
                                                      {"davis240", {240, 180, true}},
                                                      {"davis346", {346, 260, true}},
                                                      {"davis640", {640, 480, true}}}};
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    for (const Known& known : cameras)
        if (lower.find(known.type) != std::string::npos) return known.camera;
    return std::nullopt;
}

}  // namespace spikelens
