#include "spikelens/data/download.h"
#include "spikelens/pipeline/catalogue.h"

namespace spikelens {

DataListResult list_data() {
    DataListResult result;
    for (const DatasetInfo& info : known_datasets()) result.datasets.push_back({info});
    return result;
}

DataDownloadResult download_data(const std::string& name, const Execution& execution, const StageNotes& notes) {
    notes.keeps("what was fetched is kept");
    return {.data = name, .folder = download_dataset(name, execution.progress).string()};
}

DataCheckResult check_data(const std::string& name, const PictureWords& pictures, const Execution& execution) {
    const LoadedDataset data = load_dataset(name, {.pictures = parse_pictures(pictures)}, execution);
    return {"data check",
            data.name,
            data.train->size(),
            data.test->size(),
            data.train->steps() > 0,
            data.train->shape(),
            data.train->classes(),
            data.sha256,
            data.pictures ? picture_words(*data.pictures) : PictureWords{},
            data.damaged};
}

}  // namespace spikelens
