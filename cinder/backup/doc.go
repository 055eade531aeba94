// Package backup is cinder.Vault over any place for objects (Blobs): a folder, or a
// bucket of S3.
//
//	backup-ID/SHA256     a chunk of a volume, compressed, by the sum of what it holds
//	backup-ID/manifest   which chunks there are, and where; written last
//
// A volume is cut into chunks of 2 MiB (larger ones, where a volume would have too many).
// Chunks of zeros are not kept, nor is one that the backup has already, or its parent:
// the manifest of a backup names every chunk that it consists of, and which backup of its
// chain has it. So what is read is read from one manifest, however long the chain.
//
// Without its manifest a backup is not there. Whoever is cut off leaves chunks; the next
// try reads them, and writes again only what is not as it should be.
package backup
