/** Blob servers behind the storage accounts of an emulated cloud, reached as Azure's are. */
export { StorageAccounts } from "./accounts";
export { answerBlobs, BLOB_HOST } from "./front";
